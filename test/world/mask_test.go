package world

import (
	"fmt"
	"strconv"
	"strings"
)

// mask is what is left out of a world, so that what is left of a failure is
// small. The zero mask leaves nothing out.
type mask struct {
	errands, faults uint64 // by number
	outside         bool   // nothing goes wrong at the sandbox and the bank by itself
}

// errand reports whether one of a client's errands is left out.
func (m mask) errand(client, i int) bool { return m.errands>>(client*errands+i)&1 == 1 }

// fault reports whether a fault is left out that is drawn.
func (m mask) fault(n int) bool { return n < 64 && m.faults>>n&1 == 1 }

// String is what [parseMask] reads.
func (m mask) String() string {
	out := 0
	if m.outside {
		out = 1
	}
	return fmt.Sprintf("%x.%x.%d", m.errands, m.faults, out)
}

func parseMask(text string) (m mask, err error) {
	if text == "" {
		return m, nil
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return m, fmt.Errorf("a mask is errands.faults.outside, not %q", text)
	}
	if m.errands, err = strconv.ParseUint(parts[0], 16, 64); err == nil {
		if m.faults, err = strconv.ParseUint(parts[1], 16, 64); err == nil {
			m.outside, err = strconv.ParseBool(parts[2])
		}
	}
	return m, err
}
