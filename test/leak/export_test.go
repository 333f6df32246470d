package leak

import "encoding/hex"

// PlantedForms are all forms in which a test plants a card's number and code:
// name to bytes.
func PlantedForms() map[string][]byte {
	const number = "4000056655665556"
	forms := planted(number, "737")
	for _, text := range groups[number] {
		forms[text] = []byte(text)
	}
	for _, digits := range packed[number] {
		forms["packed"], _ = hex.DecodeString(digits)
	}
	for _, text := range groups["378282246310005"] {
		forms[text] = []byte(text)
	}
	return forms
}
