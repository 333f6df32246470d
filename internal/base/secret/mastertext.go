package secret

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// The text of a master key is one word:
//
//	florin-master-1:<keyset>.<check>
//
// keyset is the cleartext Tink keyset in its binary form, in base64 (URL
// alphabet, no padding); check is the first 4 bytes of its SHA-256 in hex. The
// check is there because a key mistyped in its second or later part would keep
// the same ID, and what was then sealed under it could never be opened again.
const (
	textFamily = "florin-master-"
	textPrefix = textFamily + "1:"
	checkSize  = 4
)

var textEncoding = base64.RawURLEncoding.Strict()

// Text is the master key in clear, as a file or FLORIN_MASTER_KEY holds it.
func (m *Master) Text() Text { return m.text }

func encode(handle *keyset.Handle) (Text, error) {
	var buf bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewBinaryWriter(&buf)); err != nil {
		return Text{}, fmt.Errorf("secret: write the keyset: %w", err)
	}
	return NewText(textPrefix + textEncoding.EncodeToString(buf.Bytes()) + "." + check(buf.Bytes())), nil
}

func check(keys []byte) string {
	sum := sha256.Sum256(keys)
	return hex.EncodeToString(sum[:checkSize])
}

// Parse reads what [Master.Text] gave; space around it and line breaks in its
// middle are ignored. Its errors
// say what is wrong with the text and never repeat any of it, since a wrong
// text may well be another secret.
func Parse(text string) (*Master, error) {
	keys, err := decode(strings.TrimSpace(text))
	if err != nil {
		return nil, err
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(keys)))
	if err != nil {
		return nil, errors.New("secret: the master key holds no valid keyset")
	}
	return newMaster(handle)
}

func decode(text string) ([]byte, error) {
	if text == "" {
		return nil, errors.New("secret: the master key is empty")
	}
	word, ok := strings.CutPrefix(text, textPrefix)
	if !ok {
		if strings.HasPrefix(text, textFamily) {
			return nil, fmt.Errorf("secret: the master key is of another version than %q: use the Florin that made it, or newer", textPrefix)
		}
		return nil, fmt.Errorf("secret: not a master key: one begins with %q", textPrefix)
	}
	body, sum, ok := strings.Cut(word, ".")
	if !ok {
		return nil, errors.New("secret: the master key was cut short: its check digits are missing")
	}
	keys, err := textEncoding.DecodeString(body)
	if err != nil || check(keys) != sum {
		return nil, errors.New("secret: the master key was damaged in copying: its check digits do not match")
	}
	return keys, nil
}
