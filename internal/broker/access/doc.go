// Package access decides who may use a broker, and for what. Users is a password file that implements
// broker.Auth and, for SCRAM, broker.Enhanced. Rights is an ACL file in mosquitto's form that implements
// broker.ACL.
//
// Both files are read as a whole, and again on Reload; a file with an error changes nothing. Passwords
// are stored as Argon2id hashes; hashes of mosquitto are understood too. Checks of passwords take turns
// by network address. Only SetPassword, SetScram and DropUser write to a file. The package never logs a
// name or a password.
package access
