// Package merchant knows the merchants: their accounts, their settings and
// fees, and the API keys that act for them.
//
// An [Account] is an object in a scope of its own, that of its own key in test
// mode, and is the same for both modes. An API key stands for one account in
// one mode; only its hash is kept. A key is alive until it expires, which is
// final; most never do.
package merchant
