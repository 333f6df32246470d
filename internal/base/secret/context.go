package secret

import "encoding/binary"

// Context joins parts into associated data such that different lists of parts
// give different bytes: each part goes after its length. Say what a ciphertext
// is from the outside in, for example
//
//	secret.Context("vault.card", scope.String(), cardID, "pan")
func Context(parts ...string) []byte {
	size := 0
	for _, p := range parts {
		size += binary.MaxVarintLen16 + len(p)
	}
	out := make([]byte, 0, size)
	for _, p := range parts {
		out = binary.AppendUvarint(out, uint64(len(p)))
		out = append(out, p...)
	}
	return out
}
