package secret

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
)

// rootSalt separates what Florin derives from the first key from any other use
// of it.
const rootSalt = "florin master key 1"

// deriveRoot is HKDF-Extract (RFC 5869) over the first key.
func deriveRoot(first *aesgcm.Key) (Bytes, error) {
	prk, err := hkdf.Extract(sha256.New, first.KeyBytes().Data(insecuresecretdataaccess.Token{}), []byte(rootSalt))
	if err != nil {
		return Bytes{}, fmt.Errorf("secret: derive from the first key: %w", err)
	}
	return NewBytes(prk), nil
}

// derive is HKDF-Expand for at most one block (32 bytes), which is one HMAC and
// can't fail.
func (m *Master) derive(info string, size int) []byte {
	block := hmac.New(sha256.New, m.root.Reveal())
	block.Write([]byte(info))
	block.Write([]byte{1})
	return block.Sum(nil)[:size]
}

// MAC is HMAC-SHA-256 (32 bytes) over data under a key of its own for each
// purpose, derived from the first key, so that it survives rotation and means
// nothing without the master key. It is for card fingerprints and for finding
// a row by a value that mustn't be stored. Purposes are constants of the
// caller, such as "vault.fingerprint"; the same data under two purposes can't
// be linked. Where data has several parts, join them with [Context].
func (m *Master) MAC(purpose string, data []byte) []byte {
	key, ok := m.macs.Load(purpose)
	if !ok {
		key, _ = m.macs.LoadOrStore(purpose, NewBytes(m.derive("mac\x00"+purpose, sha256.Size)))
	}
	mac := hmac.New(sha256.New, key.(Bytes).Reveal())
	mac.Write(data)
	return mac.Sum(nil)
}
