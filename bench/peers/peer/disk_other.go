//go:build !linux

package peer

func fileSystem(string) string { return "an unknown file system" }
