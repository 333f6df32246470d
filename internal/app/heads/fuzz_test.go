package heads

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

// What is read of a file is what was written, to the byte; and nothing that
// is not there is read.
func FuzzScan(f *testing.F) {
	var text []byte
	var before sum
	for i, l := range []line{{Shard: 7, Seal: 1, Postings: 2, At: noon, Head: hexHash{1}}, {Shard: 8, Seal: 1, Postings: 1, At: noon.Add(time.Microsecond)}, {Shard: 7, Seal: 2}} {
		one, after, err := l.encode(before)
		if err != nil {
			f.Fatal(err)
		}
		text, before = append(append(text, one...), '\n'), after
		f.Add(bytes.Clone(text))
		f.Add(text[:len(text)-i-1])
	}
	f.Add([]byte("{}\n"))
	f.Add(bytes.Repeat([]byte{0}, 1000))
	f.Fuzz(func(t *testing.T, text []byte) {
		p := position{last: map[int64]tip{}}
		var lines []line
		torn, err := p.scan("file", bytes.NewReader(text), func(l line) error {
			lines = append(lines, l)
			return nil
		})
		if d, ok := errors.AsType[*DamageError](err); err != nil && (!ok || d.Line != int64(len(lines))+1) {
			t.Fatal(err)
		}
		var again []byte
		var before sum
		for _, l := range lines {
			one, after, err := l.encode(before)
			if err != nil {
				t.Fatal(err)
			}
			again, before = append(append(again, one...), '\n'), after
		}
		if int64(len(again)) != p.offset || !bytes.HasPrefix(text, again) || p.sum != before || p.lines != int64(len(lines)) {
			t.Errorf("%q was read as %q", text, again)
		}
		if rest := text[p.offset:]; err == nil && (torn != (len(rest) > 0) || bytes.ContainsRune(rest, '\n')) {
			t.Errorf("torn is %t with %q left", torn, rest)
		}
	})
}
