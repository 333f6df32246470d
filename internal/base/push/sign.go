package push

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Tolerance is by how much the clocks of both sides, and the time on the way,
// may differ.
const Tolerance = 5 * time.Minute

// ErrSignature refuses what is not signed with the secret, or too long ago.
var ErrSignature = errors.New("push: the signature is not good")

// Sign gives the header's value for a body that is sent now.
func Sign(secret string, now time.Time, body []byte) string {
	at := strconv.FormatInt(now.Unix(), 10)
	return "t=" + at + ",v1=" + hex.EncodeToString(sum(secret, at, body))
}

func sum(secret, at string, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(at + ".")) // never fails
	_, _ = mac.Write(body)
	return mac.Sum(nil)
}

// Verify checks a header's value for a body that came now. Its error is
// [ErrSignature]. Without a secret nothing is good.
func Verify(secret, header string, now time.Time, body []byte) error {
	first, second, _ := strings.Cut(header, ",")
	at, ok := strings.CutPrefix(first, "t=")
	digits, ok2 := strings.CutPrefix(second, "v1=")
	seconds, err := strconv.ParseInt(at, 10, 64)
	given, err2 := hex.DecodeString(digits)
	if secret == "" || !ok || !ok2 || err != nil || err2 != nil || !hmac.Equal(given, sum(secret, at, body)) {
		return ErrSignature
	}
	const most = 1 << 40 // seconds that a time.Time can differ by
	off := now.Unix() - seconds
	if off > most || off < -most || time.Duration(max(off, -off))*time.Second > Tolerance {
		return ErrSignature
	}
	return nil
}
