export function Logo() {
  return (
    <span className="logo">
      <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
        <rect width="32" height="32" rx="7" className="logo-back" />
        <path d="M16 6.5 8 9.4v6.3c0 4.9 3.3 8.3 8 9.8 4.7-1.5 8-4.9 8-9.8V9.4z" fill="none" stroke="currentColor" strokeWidth="2" strokeLinejoin="round" />
        <path d="m12.6 13 3 3-3 3M17 19h3.2" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" strokeLinejoin="round" />
      </svg>
      <span>VaultPAM</span>
    </span>
  );
}
