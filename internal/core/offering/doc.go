// Package offering keeps what merchants offer to pay with: configurations of
// payment methods, and the domains that show them.
//
// A configuration says for each method whether the merchant wants it shown; what
// can be shown is for whoever knows the methods to say. Each account has a default
// configuration in each mode, which is made when it is first asked for, and can't be
// switched off. A domain has one row, however often it is registered.
package offering
