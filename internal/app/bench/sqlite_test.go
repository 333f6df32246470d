package bench

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// The size of a database is what its log says last, not how long the log is.
func TestSQLiteSize(t *testing.T) {
	const page = 512
	log := func(frames ...[2]uint32) []byte { // salt, and pages if it ends a transaction
		b := make([]byte, walHeader)
		binary.BigEndian.PutUint32(b[8:], page)
		binary.BigEndian.PutUint32(b[16:], 7)
		for _, f := range frames {
			frame := make([]byte, frameHeader+page)
			binary.BigEndian.PutUint32(frame[4:], f[1])
			binary.BigEndian.PutUint32(frame[8:], f[0])
			b = append(b, frame...)
		}
		return b
	}
	for name, test := range map[string]struct {
		log  []byte
		want int64
	}{
		"no log":             {nil, 3 * page},
		"empty log":          {[]byte{}, 3 * page},
		"header":             {log(), 3 * page},
		"grown":              {log([2]uint32{7, 0}, [2]uint32{7, 9}, [2]uint32{7, 11}), 11 * page},
		"not ended":          {log([2]uint32{7, 5}, [2]uint32{7, 0}), 5 * page},
		"left from before":   {log([2]uint32{7, 5}, [2]uint32{6, 99}), 5 * page},
		"only from before":   {log([2]uint32{6, 99}), 3 * page},
		"broken off":         {append(log([2]uint32{7, 5}), 1, 2, 3), 5 * page},
		"zeros, as if grown": {make([]byte, 4096), 3 * page},
	} {
		file := filepath.Join(t.TempDir(), "x.db")
		if err := os.WriteFile(file, make([]byte, 3*page), 0o600); err != nil {
			t.Fatal(err)
		}
		if test.log != nil {
			if err := os.WriteFile(file+"-wal", test.log, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := sqliteSize(file); got != test.want {
			t.Errorf("%s: %d bytes, want %d", name, got, test.want)
		}
	}
	if got := sqliteSize(filepath.Join(t.TempDir(), "none.db")); got != 0 {
		t.Errorf("no database has %d bytes", got)
	}
}
