//go:build unix && !probe

package crash

import "testing"

// TestRepliesWaitForSyncs runs the release build under strace: before the first
// byte of any reply is written to the client's socket, what the reply tells of
// has been written to the database's write-ahead log, and a sync of the log has
// returned. The sandbox's book is held to the same.
func TestRepliesWaitForSyncs(t *testing.T) {
	alone, together, book := observe(t, "")
	count := map[verdict]int{}
	for _, s := range append(alone, together...) {
		count[s.verdict]++
		if s.verdict == broken {
			t.Errorf("%s was answered although nothing of it was synced in the %d microseconds before", s.key, s.reply-s.from)
		}
	}
	clear := 0
	for _, s := range alone {
		if s.verdict == proven {
			clear++
		}
	}
	// One after another, with some room for the steps of jobs.
	if clear*10 < len(alone)*8 {
		t.Errorf("of %d requests that came alone only %d are proven", len(alone), clear)
	}
	for _, err := range book {
		t.Errorf("the sandbox's book: %v", err)
	}
	t.Logf("%d requests one after another, %d of them proven; %d at once; in all %v", len(alone), clear, len(together), count)
}
