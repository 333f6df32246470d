package sandbox

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"time"
)

// The file of a [FileBook] is JSON, one object a line: a heading, and then
//
//	{"sum":"<8 hex digits>","op":{an Operation}}
//
// where sum is the CRC-32C of the line before's sum (four bytes, big-endian;
// zero for the first) and op's bytes. So a line that is changed, missing or out
// of order shows. A last line without its line feed was being written when the
// machine stopped; nobody was told of it, and it is cut off.

const bookHeading = `{"book":"florin sandbox","version":1}` + "\n"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// OpenFileBook opens the book at path, or begins one, and reads it into
// memory. A torn last line is cut off; any other damage is an error, and so is
// a book that another process holds. Close it when its simulators have ended.
func OpenFileBook(path string) (*FileBook, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("sandbox: open book: %w", err)
	}
	b := newFileBook()
	b.file, b.sync = file, file.Sync
	if err := b.open(path); err != nil {
		return nil, errors.Join(fmt.Errorf("sandbox: book %s: %w", path, err), file.Close())
	}
	return b, nil
}

func newFileBook() *FileBook {
	b := &FileBook{index: map[string]int{}, following: map[string][]int{}, due: map[string]time.Time{}}
	b.synced.L = &b.mu
	return b
}

func (b *FileBook) open(path string) error {
	if err := lockFile(b.file); err != nil {
		return fmt.Errorf("is it in use by another process? %w", err)
	}
	good, err := b.load(b.file)
	if err != nil {
		return err
	}
	if err := b.file.Truncate(good); err != nil {
		return err
	}
	if good == 0 {
		if _, err := b.file.WriteString(bookHeading); err != nil {
			return err
		}
		good = int64(len(bookHeading))
	}
	b.durable, b.size = len(b.ops), good
	return errors.Join(b.file.Sync(), syncFolder(filepath.Dir(path)))
}

// load reads a book into memory and gives how many of its bytes are good.
func (b *FileBook) load(from io.Reader) (good int64, err error) {
	r := bufio.NewReaderSize(from, 1<<16)
	for n := 1; ; n++ {
		line, err := r.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF) && n == 1:
			if !bytes.HasPrefix([]byte(bookHeading), line) {
				return 0, errors.New("line 1: this is no sandbox book")
			}
			return 0, nil
		case errors.Is(err, io.EOF):
			return good, tornOff(b.sum, line, n)
		case err != nil:
			return 0, err
		case n == 1 && string(line) != bookHeading:
			return 0, errors.New("line 1: this is no sandbox book, or one of another version")
		case n > 1:
			if err := b.loadLine(line); err != nil {
				return 0, fmt.Errorf("line %d: %w", n, err)
			}
		}
		good += int64(len(line))
	}
}

// tornOff refuses a last line without a line feed that can't be the beginning
// of a line that was cut: one that is whole and goes on.
func tornOff(prev uint32, rest []byte, n int) error {
	if len(rest) == 0 {
		return nil
	}
	if _, _, err := decodeLine(prev, append(rest[:len(rest)-1:len(rest)-1], '\n')); err == nil {
		return fmt.Errorf("line %d: damaged at its end", n)
	}
	return nil
}

func (b *FileBook) loadLine(line []byte) error {
	op, sum, err := decodeLine(b.sum, line)
	if err != nil {
		return err
	}
	if _, ok := b.index[op.Reference]; ok {
		return fmt.Errorf("the reference %q is there twice", op.Reference)
	}
	b.sum = sum
	b.remember(op)
	return nil
}

// encodeLine makes the line of op that follows a line whose sum is prev.
func encodeLine(prev uint32, op Operation) (line []byte, sum uint32, err error) {
	body, err := json.Marshal(op)
	if err != nil {
		return nil, 0, err
	}
	line, sum = frame(prev, body)
	return line, sum, nil
}

func frame(prev uint32, body []byte) (line []byte, sum uint32) {
	sum = crc32.Update(crc32.Checksum(binary.BigEndian.AppendUint32(nil, prev), castagnoli), castagnoli, body)
	return fmt.Appendf(nil, "{\"sum\":\"%08x\",\"op\":%s}\n", sum, body), sum
}

// decodeLine reads the line that follows a line whose sum is prev.
func decodeLine(prev uint32, line []byte) (Operation, uint32, error) {
	var parts struct {
		Op json.RawMessage `json:"op"`
	}
	if err := json.Unmarshal(line, &parts); err != nil {
		return Operation{}, 0, errors.New("damaged: not JSON")
	}
	whole, sum := frame(prev, parts.Op)
	if !bytes.Equal(whole, line) {
		return Operation{}, 0, errors.New("damaged, or a line before it is: the checksum differs")
	}
	op, err := decodeOperation(parts.Op)
	return op, sum, err
}

// syncFolder makes a new file's name durable.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
