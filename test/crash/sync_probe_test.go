//go:build unix && probe

package crash

import "testing"

// TestMissingSyncsAreSeen: of a server that does not sync its log, the trace
// shows replies before any sync. The sandbox, which does, is told apart.
func TestMissingSyncsAreSeen(t *testing.T) {
	alone, together, book := observe(t, "db.no-sync")
	broke := 0
	for _, s := range alone {
		if s.verdict == broken {
			broke++
		}
	}
	if broke*2 < len(alone) || len(alone) == 0 {
		t.Errorf("of %d replies that waited for no sync only %d are seen", len(alone), broke)
	}
	for _, err := range book {
		t.Errorf("the sandbox's book: %v", err)
	}
	t.Logf("%d requests one after another, %d of them seen to be answered before a sync; %d at once", len(alone), broke, len(together))
}
