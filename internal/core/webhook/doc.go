// Package webhook tells merchants' servers what happened.
package webhook
