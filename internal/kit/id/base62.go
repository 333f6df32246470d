package id

import (
	"encoding/binary"
	"math/bits"
)

// A body is the 136-bit big-endian number of the raw bytes in base 62, most
// significant digit first. It is worked in three limbs (8, 64 and 64 bits) and
// three groups of digits (4, 10 and 10), because 62^10 is the largest power
// of 62 that fits 64 bits.
const (
	groupLen = 10
	group    = 62 * 62 * 62 * 62 * 62 * 62 * 62 * 62 * 62 * 62 // 62^10
)

// digitOf is the value of each base62 character, and noDigit for all others.
var digitOf = func() (values [256]uint8) {
	for i := range values {
		values[i] = noDigit
	}
	for i := range len(alphabet) {
		values[alphabet[i]] = uint8(i)
	}
	return values
}()

const noDigit = 255

// encode writes raw as base62 digits.
func encode(raw [rawLen]byte) (out [bodyLen]byte) {
	high := uint64(raw[0]) // below group, as Div64 requires
	mid, low := binary.BigEndian.Uint64(raw[1:9]), binary.BigEndian.Uint64(raw[9:])

	mid, rest := bits.Div64(high, mid, group)
	low, rest = bits.Div64(rest, low, group)
	putDigits(out[bodyLen-groupLen:], rest)

	// What is left, mid:low, is below 2^77.
	low, rest = bits.Div64(mid, low, group)
	putDigits(out[bodyLen-2*groupLen:bodyLen-groupLen], rest)
	putDigits(out[:bodyLen-2*groupLen], low)
	return out
}

// putDigits fills out with the digits of n.
func putDigits(out []byte, n uint64) {
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = alphabet[n%62]
		n /= 62
	}
}

// decode is the inverse of encode. It reports false for a string of another
// length, with other characters, or of a number beyond 136 bits.
func decode(body string) (raw [rawLen]byte, ok bool) {
	if len(body) != bodyLen {
		return raw, false
	}
	first, ok1 := digits(body[:bodyLen-2*groupLen])
	second, ok2 := digits(body[bodyLen-2*groupLen : bodyLen-groupLen])
	third, ok3 := digits(body[bodyLen-groupLen:])

	// (first × group + second) × group + third
	mid, low := bits.Mul64(first, group)
	low, carry := bits.Add64(low, second, 0)
	mid += carry

	carried, low := bits.Mul64(low, group)
	high, mid := bits.Mul64(mid, group)
	low, carry = bits.Add64(low, third, 0)
	mid, carry = bits.Add64(mid, carried, carry)
	high += carry
	if !ok1 || !ok2 || !ok3 || high > 0xff {
		return raw, false
	}
	raw[0] = byte(high)
	binary.BigEndian.PutUint64(raw[1:9], mid)
	binary.BigEndian.PutUint64(raw[9:], low)
	return raw, true
}

// digits reads at most ten digits.
func digits(s string) (n uint64, ok bool) {
	for i := range len(s) {
		d := digitOf[s[i]]
		if d == noDigit {
			return 0, false
		}
		n = n*62 + uint64(d)
	}
	return n, true
}
