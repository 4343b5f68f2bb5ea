// Package early asks the kernel for the pages that every start touches, before the packages that touch them are
// initialised: the code of the binary, and the piece of the heap that a short command fills. Two calls take the place of
// two fifths of all page faults, which are most of the time of a short command wherever a fault is dear, as in many virtual
// machines. For the same reason the stack grows here, once. A system that cannot do it is none the worse: each page comes
// when it is touched.
//
// It is imported for that alone, and imports nothing so that its turn comes early: before package syscall, hence the
// assembly.
package early
