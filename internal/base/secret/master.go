package secret

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/secretdata"
	"github.com/tink-crypto/tink-go/v2/tink"
)

var (
	// ErrOpen says that sealed bytes don't open: they were altered or cut, moved
	// from the row or field they belong to, or sealed under a key that isn't in
	// this master key. Which of these it was can't be told apart.
	ErrOpen = errors.New("secret: sealed bytes do not open: altered, moved, or sealed under another key")
	// ErrErased says that a subject's key is gone, and with it all that was
	// sealed under it. It isn't a fault: show the field as erased.
	ErrErased = errors.New("secret: the subject's key has been erased")
	// ErrNoContext says that a caller gave an empty context or identity, which
	// would bind a ciphertext to nothing.
	ErrNoContext = errors.New("secret: empty context")
)

const (
	keySize = 32 // bytes of an AES-256 key
	idSize  = 16 // bytes of a master key's ID, before hex

	// The domains keep what is sealed for one use from being opened as another.
	domainDirect  = "florin direct 1\x00"
	domainSubject = "florin subject 1\x00"
)

// params is the one kind of key a master key is made of: AES-256-GCM, its
// ciphertexts marked with the key's number (0x01 and 4 bytes).
var params = mustParameters()

func mustParameters() *aesgcm.Parameters {
	p, err := aesgcm.NewParameters(aesgcm.ParametersOpts{
		KeySizeInBytes: keySize, IVSizeInBytes: 12, TagSizeInBytes: 16, Variant: aesgcm.VariantTink,
	})
	if err != nil {
		panic(err) // the options are constants; every test of this package passes here
	}
	return p
}

// Master is a master key: an ordered set of AES-256-GCM keys of which the
// primary seals and all open. It never changes after it is made and is safe for
// concurrent use.
type Master struct {
	handle *keyset.Handle
	aead   tink.AEAD
	prefix []byte // what everything sealed under the primary begins with
	root   Bytes  // HKDF's pseudorandom key, from the first key
	id     string
	text   Text
	macs   *sync.Map // string to Bytes: the keys of MACs, by purpose
}

// Generate makes a master key of one key.
func Generate() (*Master, error) { return GenerateFrom(rand.Reader) }

// GenerateFrom makes a master key from the bytes of random: equal bytes, equal
// key, and so equal ID and MACs. It is for simulations, which need the same
// fingerprints in every run of a seed; anything but a simulation uses [Generate].
func GenerateFrom(random io.Reader) (*Master, error) {
	return extend(keyset.NewManager(), nil, random)
}

// Rotate gives a master key with a new primary that still opens all that m
// opens, and has m's ID and MACs. m itself is unchanged. Store the new one
// ([Master.ReplaceFile]) before anything is sealed under it.
func (m *Master) Rotate() (*Master, error) {
	used := map[uint32]bool{}
	for _, k := range m.keys() {
		number, _ := k.IDRequirement()
		used[number] = true
	}
	return extend(keyset.NewManagerFromHandle(m.handle), used, rand.Reader)
}

// extend adds a key drawn from random, whose number isn't used yet, and makes
// it the primary.
func extend(manager *keyset.Manager, used map[uint32]bool, random io.Reader) (*Master, error) {
	var drawn [4 + keySize]byte
	for number := uint32(0); number == 0 || used[number]; number = binary.BigEndian.Uint32(drawn[:4]) {
		if _, err := io.ReadFull(random, drawn[:]); err != nil {
			return nil, fmt.Errorf("secret: draw a master key: %w", err)
		}
	}
	material := secretdata.NewBytesFromData(drawn[4:], insecuresecretdataaccess.Token{})
	key, err := aesgcm.NewKey(material, binary.BigEndian.Uint32(drawn[:4]), params)
	if err != nil {
		return nil, fmt.Errorf("secret: make a master key: %w", err)
	}
	number, err := manager.AddKey(key)
	if err != nil {
		return nil, fmt.Errorf("secret: add a master key: %w", err)
	}
	if err := manager.SetPrimary(number); err != nil {
		return nil, fmt.Errorf("secret: set the primary: %w", err)
	}
	handle, err := manager.Handle()
	if err != nil {
		return nil, fmt.Errorf("secret: make a keyset: %w", err)
	}
	return newMaster(handle)
}

// newMaster checks that handle holds nothing but keys as [Master] makes them;
// Tink has seen to it that their numbers differ.
func newMaster(handle *keyset.Handle) (*Master, error) {
	m := &Master{handle: handle, macs: new(sync.Map)}
	for i := range handle.Len() {
		entry, err := handle.Entry(i)
		if err != nil {
			return nil, fmt.Errorf("secret: read the keyset: %w", err)
		}
		key, ok := entry.Key().(*aesgcm.Key)
		if !ok || !key.Parameters().Equal(params) || entry.KeyStatus() != keyset.Enabled {
			return nil, errors.New("secret: a key of the set is not an enabled AES-256-GCM key")
		}
		if entry.IsPrimary() {
			m.prefix = key.OutputPrefix()
		}
	}
	var err error
	if m.aead, err = aead.New(handle); err != nil {
		return nil, fmt.Errorf("secret: use the keyset: %w", err)
	}
	if m.root, err = deriveRoot(m.keys()[0]); err != nil {
		return nil, err
	}
	id := m.derive("id", idSize)
	m.id = "mk_" + hex.EncodeToString(id)
	m.text, err = encode(handle)
	return m, err
}

// keys lists the keys in their order, the first being the one MACs derive from.
func (m *Master) keys() []*aesgcm.Key {
	var all []*aesgcm.Key
	for i := range m.handle.Len() {
		if entry, err := m.handle.Entry(i); err == nil {
			if key, ok := entry.Key().(*aesgcm.Key); ok {
				all = append(all, key)
			}
		}
	}
	return all
}

// ID names the master key in public: "mk_" and 32 hex digits, derived one way
// from the first key. It survives rotation. A database stores it, and refuses
// to start under a master key with another.
func (m *Master) ID() string { return m.id }

// Seal encrypts plaintext, which belongs to no subject, and binds it to context
// (see [Context]). The result is 33 bytes longer than plaintext.
func (m *Master) Seal(plaintext, context []byte) ([]byte, error) {
	return m.seal(domainDirect, plaintext, context)
}

// Open reverses [Master.Seal]; the context must be the same. Else [ErrOpen].
func (m *Master) Open(sealed, context []byte) ([]byte, error) {
	return m.open(domainDirect, sealed, context)
}

// Stale reports whether sealed, made by [Master.Seal] or [Master.NewSubject],
// is not under the primary, so that a rotation hasn't reached it yet. It looks
// at the first bytes only. Erased keys (of length zero) are never stale.
func (m *Master) Stale(sealed []byte) bool {
	return len(sealed) > 0 && (len(sealed) < len(m.prefix) || string(sealed[:len(m.prefix)]) != string(m.prefix))
}

func (m *Master) seal(domain string, plaintext, context []byte) ([]byte, error) {
	if len(context) == 0 {
		return nil, ErrNoContext
	}
	sealed, err := m.aead.Encrypt(plaintext, append([]byte(domain), context...))
	if err != nil {
		return nil, fmt.Errorf("secret: seal: %w", err)
	}
	return sealed, nil
}

func (m *Master) open(domain string, sealed, context []byte) ([]byte, error) {
	if len(context) == 0 {
		return nil, ErrNoContext
	}
	plaintext, err := m.aead.Decrypt(sealed, append([]byte(domain), context...))
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}

// String names the master key by its ID, without any key material.
func (m Master) String() string { return "secret.Master(" + m.id + ")" }

// Format implements [fmt.Formatter]: every verb prints [Master.String].
func (m Master) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, m.String()) }

// LogValue implements [slog.LogValuer].
func (m Master) LogValue() slog.Value { return slog.StringValue(m.String()) }

// MarshalText implements encoding.TextMarshaler with [Master.String].
func (m Master) MarshalText() ([]byte, error) { return []byte(m.String()), nil }
