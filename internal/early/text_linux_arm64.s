#include "textflag.h"

// func text() (from, to uintptr)
TEXT ·text(SB), NOSPLIT, $0-16
	MOVD $runtime·text(SB), R0
	MOVD R0, from+0(FP)
	MOVD $runtime·etext(SB), R0
	MOVD R0, to+8(FP)
	RET

// func madvise(from, length, advice uintptr)
TEXT ·madvise(SB), NOSPLIT, $0-24
	MOVD from+0(FP), R0
	MOVD length+8(FP), R1
	MOVD advice+16(FP), R2
	MOVD $233, R8
	SVC
	RET
