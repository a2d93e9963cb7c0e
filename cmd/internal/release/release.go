package release

import "runtime/debug"

// Version is the module's version as the go command has stamped it, a tag or the commit that was built; "devel" when there is none.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "devel"
}
