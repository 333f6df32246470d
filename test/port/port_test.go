package port_test

import (
	"testing"

	"github.com/florinpay/florin/test/port"
)

// A program that is down keeps its port: among so many draws several would be
// the same.
func TestNobodyIsGivenAnothersPort(t *testing.T) {
	given := map[int]bool{}
	for range 600 {
		p, err := port.Free()
		if err != nil {
			t.Fatal(err)
		}
		if given[p] {
			t.Fatalf("%d is given twice", p)
		}
		given[p] = true
	}
}
