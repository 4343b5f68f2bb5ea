#include "textflag.h"

// func text() (from, to uintptr)
TEXT ·text(SB), NOSPLIT, $0-16
	LEAQ runtime·text(SB), AX
	MOVQ AX, from+0(FP)
	LEAQ runtime·etext(SB), AX
	MOVQ AX, to+8(FP)
	RET

// func madvise(from, length, advice uintptr)
TEXT ·madvise(SB), NOSPLIT, $0-24
	MOVQ from+0(FP), DI
	MOVQ length+8(FP), SI
	MOVQ advice+16(FP), DX
	MOVQ $28, AX
	SYSCALL
	RET
