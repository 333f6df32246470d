//go:build !probe

package probe

// Enabled reports whether this build listens to the environment.
const Enabled = false

// Point is a kill point; here it does nothing.
func Point(string) {}

// Mutant reports whether a known-bad change is switched on; here never.
func Mutant(string) bool { return false }
