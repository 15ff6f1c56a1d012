package identity

// AuthFailed is the one answer to sign-ins that do not hold.
func AuthFailed() error { return authFailed() }

// HashWork is how many password hashes the service has computed.
func (s *Service) HashWork() int64 { return s.hash.work.Load() }

// ParseCertificate reads a certificate as SSH sends it.
var ParseCertificate = parseCertificate

// SourceKey is the unit that limits count.
var SourceKey = sourceKey
