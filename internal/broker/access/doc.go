// Package access decides who may use a broker, and for what: Users is a password file
// behind broker.Auth and, as SCRAM, broker.Enhanced; Rights is an ACL file in mosquitto's
// form behind broker.ACL.
//
// Both are read whole, and read again on demand; a file that cannot be read leaves
// what was there. Passwords are kept as Argon2id; hashes that mosquitto made are
// understood. The package never writes but with SetPassword, SetScram and DropUser, and
// never logs a name or a password.
package access
