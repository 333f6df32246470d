package bench

import (
	"encoding/binary"
	"os"
)

// The layout of SQLite's write-ahead log: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
const (
	walHeader   = 32
	frameHeader = 24
)

// sqliteSize is how many bytes a SQLite database has, also while its newest pages
// are in the log alone; zero where there is none.
func sqliteSize(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	log, err := os.Open(path + "-wal")
	if err != nil {
		return info.Size() // nobody has it open, so that all is in the file
	}
	defer log.Close()
	if n := committed(log); n > 0 {
		return n
	}
	return info.Size()
}

// committed is the size of the database after the last transaction of its log, or
// zero if the log has none.
func committed(log *os.File) (size int64) {
	walk(log, func(page int64, pages uint32) {
		if pages > 0 { // it ends a transaction
			size = int64(pages) * page
		}
	})
	return size
}

// walk goes over the frames of a log: each tells the size of a page and, if it ends
// a transaction, how many pages the database then has. Frames that are left from
// before the log was begun anew have other salts.
func walk(log *os.File, f func(page int64, pages uint32)) {
	var head [walHeader]byte
	if _, err := log.ReadAt(head[:], 0); err != nil {
		return
	}
	page, salts := int64(binary.BigEndian.Uint32(head[8:])), string(head[16:24])
	if page == 0 {
		return
	}
	for at := int64(walHeader); ; at += frameHeader + page {
		var frame [frameHeader]byte
		if _, err := log.ReadAt(frame[:], at); err != nil || string(frame[8:16]) != salts {
			return
		}
		f(page, binary.BigEndian.Uint32(frame[4:]))
	}
}
