//go:build !linux

package identity

func lowerPriority() {}
