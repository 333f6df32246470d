package secret

import (
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
)

// subjectFormat is the first byte of an opened subject key and names what it is
// a key of: 1 is AES-256-GCM, its ciphertexts a nonce of 12 bytes, the
// encrypted text and a tag of 16.
const subjectFormat = 1

// Subject is the opened data key of one person (or of one object that belongs
// to nobody). It is safe for concurrent use. A nil or zero Subject is one that
// was erased: it answers [ErrErased].
type Subject struct {
	aead *subtle.AESGCM
}

// NewSubject makes a random data key for the subject with the given identity,
// which is never empty and never changes (see [Context]). The sealed key is for
// the caller to store; it opens under the same identity only. Losing it is
// erasing the subject.
func (m *Master) NewSubject(identity []byte) (subject *Subject, sealed []byte, err error) {
	key := make([]byte, 1+keySize)
	key[0] = subjectFormat
	_, _ = rand.Read(key[1:]) // never fails: it ends the process if the system has no randomness
	if sealed, err = m.seal(domainSubject, key, identity); err != nil {
		return nil, nil, err
	}
	subject, err = newSubject(key)
	return subject, sealed, err
}

// OpenSubject opens the sealed data key of the subject with the given identity.
// It gives [ErrErased] when sealed is empty, and [ErrOpen] when sealed was
// altered, belongs to another subject or another master key.
func (m *Master) OpenSubject(sealed, identity []byte) (*Subject, error) {
	key, err := m.openKey(sealed, identity)
	if err != nil {
		return nil, err
	}
	return newSubject(key)
}

// ResealSubject gives the same subject's key sealed under the primary; fields
// sealed under the subject stay as they are. Errors are [Master.OpenSubject]'s.
func (m *Master) ResealSubject(sealed, identity []byte) ([]byte, error) {
	key, err := m.openKey(sealed, identity)
	if err != nil {
		return nil, err
	}
	return m.seal(domainSubject, key, identity)
}

func (m *Master) openKey(sealed, identity []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, ErrErased
	}
	return m.open(domainSubject, sealed, identity)
}

func newSubject(key []byte) (*Subject, error) {
	if len(key) != 1+keySize || key[0] != subjectFormat {
		return nil, fmt.Errorf("secret: the subject's key is of a format this Florin does not know")
	}
	cipher, err := subtle.NewAESGCM(key[1:])
	if err != nil {
		return nil, fmt.Errorf("secret: use the subject's key: %w", err)
	}
	return &Subject{aead: cipher}, nil
}

// Seal encrypts plaintext and binds it to context, which names its row and
// field and is never empty (see [Context]). The result is 28 bytes longer than
// plaintext and differs each time.
func (s *Subject) Seal(plaintext, context []byte) ([]byte, error) {
	if s == nil || s.aead == nil {
		return nil, ErrErased
	}
	if len(context) == 0 {
		return nil, ErrNoContext
	}
	sealed, err := s.aead.Encrypt(plaintext, context)
	if err != nil {
		return nil, fmt.Errorf("secret: seal: %w", err)
	}
	return sealed, nil
}

// Open reverses [Subject.Seal]; the context must be the same. Else [ErrOpen].
func (s *Subject) Open(sealed, context []byte) ([]byte, error) {
	if s == nil || s.aead == nil {
		return nil, ErrErased
	}
	if len(context) == 0 {
		return nil, ErrNoContext
	}
	plaintext, err := s.aead.Decrypt(sealed, context)
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}

// String implements [fmt.Stringer] without any key material.
func (s Subject) String() string { return Redacted }

// Format implements [fmt.Formatter]: every verb prints [Redacted].
func (s Subject) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue implements [slog.LogValuer].
func (s Subject) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText implements encoding.TextMarshaler.
func (s Subject) MarshalText() ([]byte, error) { return []byte(Redacted), nil }
