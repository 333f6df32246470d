package heads

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/florinpay/florin/internal/core/ledger"
)

// line is what a line of the file says, but for its sum.
type line struct {
	Shard    int64     `json:"shard"`
	Seal     int64     `json:"seal"`
	Postings int64     `json:"postings"`
	At       time.Time `json:"at"`
	Head     hexHash   `json:"head"`
}

type hexHash ledger.Hash

func (h hexHash) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h[:])), nil }

func (h *hexHash) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(h)) {
		return errLine
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// sum is what chains the lines: 16 bytes of SHA-256.
type sum [16]byte

// maxLine bounds a line with its line feed.
const maxLine = 512

var errLine = errors.New("it is not as it was written")

// encode gives a line without its line feed, and the sum that the next line
// goes on from.
func (l line) encode(before sum) ([]byte, sum, error) {
	body, err := json.Marshal(l)
	if err != nil {
		return nil, sum{}, err
	}
	hash := sha256.Sum256(append(append([]byte{}, before[:]...), body...))
	after := sum(hash[:len(sum{})])
	body = append(body[:len(body)-1], `,"sum":"`...)
	return append(append(body, hex.EncodeToString(after[:])...), `"}`...), after, nil
}

// decode reads a line as encode has written it; no other spelling of the same
// is taken.
func decode(text []byte, before sum) (l line, after sum, err error) {
	if len(text) >= maxLine || json.Unmarshal(text, &l) != nil {
		return line{}, sum{}, errLine
	}
	again, after, err := l.encode(before)
	if err != nil || !bytes.Equal(again, text) || l.Shard < 0 || l.Seal < 1 {
		return line{}, sum{}, errLine
	}
	return l, after, nil
}
