// Package credential keeps and checks passwords.
//
// A password is stored as an argon2id hash (RFC 9106) in the PHC string format,
// with its parameters: 19 MiB of memory, two passes, one lane. That is the
// smallest setting that OWASP's password storage cheat sheet recommends for
// argon2id; a gateway must stay small, and two hashings at a time cost it
// 38 MiB.
//
// WebDAV clients send the password with every request (Basic authentication),
// so a gateway cannot hash each time. A Verifier remembers good passwords for
// a minute, under an HMAC with a key that lives and dies with the process: a
// memory dump has no password in it that was not there before, and the
// remembered values are worth nothing elsewhere.
//
// What the package refuses: stored hashes of other algorithms or with
// parameters outside its bounds (a planted hash must not make a gateway use
// gigabytes), passwords over PasswordBytesMax, and a caller who guesses.
//
// Invariants:
//   - a password that was not verified is never remembered
//   - an unknown user, a disabled one and a wrong password cost the same work
//     and give the same answer
//   - a change of password or a disabled user is seen after at most CacheTTL
//     (rights are checked by the nameserver in every command, so a changed
//     role needs no wait)
//
// Goroutines: none of its own. A Verifier may be used by many at once; equal
// attempts that come together are hashed once.
//
// Limits: Config.Hashings run at once, Config.Queue wait; beyond it KindBusy.
// The cache and the table of failures hold Config.Entries each.
package credential
