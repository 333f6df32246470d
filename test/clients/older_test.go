//go:build unix

package clients

import (
	"os"
	"strings"
	"testing"
)

// The two older Go clients do the same.
func TestOlderGoClientsDoTheSame(t *testing.T) {
	var texts [2]string
	for i, version := range []string{"76", "81"} {
		text, err := os.ReadFile("golang" + version + "/golang_test.go")
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = strings.NewReplacer("stripe-go/v"+version, "stripe-go", "ackage golang"+version, "ackage golang").Replace(string(text))
	}
	if texts[0] != texts[1] {
		t.Error("golang76 and golang81 differ by more than the client: copy one to the other and change the import")
	}
}
