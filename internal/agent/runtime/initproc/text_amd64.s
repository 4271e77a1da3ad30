#include "textflag.h"

// System calls.
#define WRITE          1
#define SIGPROCMASK    14
#define IOCTL          16
#define FORK           57
#define EXECVE         59
#define WAIT4          61
#define KILL           62
#define SETPGID        109
#define GETPGRP        111
#define SIGTIMEDWAIT   128
#define EXIT_GROUP     231

// All signals but those that tell of a fault of the program itself: ILL, TRAP,
// ABRT, BUS, FPE, SEGV, SYS.
#define SIGNALS $0xFFFFFFFFBFFFFB07

// Scratch memory below the stack, at BX.
#define SET     0(BX)
#define OLDSET  8(BX)
#define STATUS  16(BX)
#define GROUP   24(BX)
#define TEXT1   32(BX)
#define PATH    256(BX)

// func program()
//
// It is cut out and run as a program of its own, so it refers to nothing outside
// itself and keeps all it knows in registers:
//
//	R12 the arguments as the kernel hands them over: count, pointers, 0,
//	    environment, 0
//	R13 the child, 0 without one
//	BX  scratch memory
TEXT ·program(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ SP, R12
	LEAQ -12288(R12), BX
	XORQ R13, R13

	// From here on signals are only taken by asking for them. The ones that are
	// blocked reach process 1 too, for which the kernel drops all others.
	MOVQ SIGNALS, AX
	MOVQ AX, SET
	MOVQ $SIGPROCMASK, AX
	MOVQ $2, DI              // SIG_SETMASK
	LEAQ SET, SI
	LEAQ OLDSET, DX
	MOVQ $8, R10
	SYSCALL

	CMPQ 0(R12), $3          // init -- COMMAND
	JLT  loop
	MOVQ $FORK, AX
	SYSCALL
	TESTQ AX, AX
	JEQ  child
	MOVQ $71, DI             // EX_OSERR
	JLT  exit
	MOVQ AX, R13

loop:
	MOVQ $SIGTIMEDWAIT, AX
	LEAQ SET, DI
	XORQ SI, SI
	XORQ DX, DX
	MOVQ $8, R10
	SYSCALL
	TESTQ AX, AX
	JLE  loop
	CMPQ AX, $17             // SIGCHLD
	JEQ  reap
	TESTQ R13, R13
	JEQ  pause
	MOVQ AX, SI
	MOVQ R13, DI
	MOVQ $KILL, AX
	SYSCALL
	JMP  loop

pause:
	XORQ DI, DI
	CMPQ AX, $15             // SIGTERM
	JEQ  exit
	CMPQ AX, $2              // SIGINT
	JEQ  exit
	CMPQ AX, $3              // SIGQUIT
	JEQ  exit
	JMP  loop

reap:
	MOVQ $WAIT4, AX
	MOVQ $-1, DI
	LEAQ STATUS, SI
	MOVQ $1, DX              // WNOHANG
	XORQ R10, R10
	SYSCALL
	TESTQ AX, AX
	JLE  loop
	CMPQ AX, R13
	JNE  reap
	MOVL STATUS, DI
	MOVL DI, AX
	ANDL $0x7F, AX
	JNE  killed
	SHRL $8, DI
	ANDL $0xFF, DI
	JMP  exit

killed:
	LEAQ 128(AX), DI

exit:
	MOVQ $EXIT_GROUP, AX
	SYSCALL

child:
	// A process group of its own, in front on the terminal if there is one.
	MOVQ $SETPGID, AX
	XORQ DI, DI
	XORQ SI, SI
	SYSCALL
	MOVQ $GETPGRP, AX
	SYSCALL
	MOVL AX, GROUP
	MOVQ $IOCTL, AX
	XORQ DI, DI
	MOVQ $0x5410, SI         // TIOCSPGRP
	LEAQ GROUP, DX
	SYSCALL
	MOVQ $SIGPROCMASK, AX
	MOVQ $2, DI
	LEAQ OLDSET, SI
	XORQ DX, DX
	MOVQ $8, R10
	SYSCALL

	// R8 the command, R9 its arguments, R15 its environment.
	MOVQ 24(R12), R8
	LEAQ 24(R12), R9
	MOVQ 0(R12), AX
	LEAQ 16(R12)(AX*8), R15
	MOVQ $127, R13           // from here on the exit code
	MOVQ R8, SI

slash:
	MOVBLZX 0(SI), AX
	INCQ SI
	CMPL AX, $0x2F           // '/'
	JEQ  direct
	TESTL AX, AX
	JNE  slash
	MOVQ R15, SI

search:
	MOVQ 0(SI), DI
	TESTQ DI, DI
	JEQ  standard
	ADDQ $8, SI
	CMPL 0(DI), $0x48544150  // "PATH"
	JNE  search
	CMPB 4(DI), $0x3D        // '='
	JNE  search
	LEAQ 5(DI), R14
	JMP  element

standard:
	MOVQ $0x73752F3A6E69622F, AX // "/bin:/us"
	MOVQ AX, TEXT1
	MOVQ $0x6E69622F72, AX   // "r/bin"
	MOVQ AX, 40(BX)
	LEAQ TEXT1, R14

element:
	// R14 is at an element of the search path: copy it, "/" and the command.
	LEAQ PATH, DI
	LEAQ 4352(BX), DX

directory:
	MOVBLZX 0(R14), AX
	TESTL AX, AX
	JEQ  separator
	CMPL AX, $0x3A           // ':'
	JEQ  separator
	MOVB AX, 0(DI)
	INCQ DI
	INCQ R14
	CMPQ DI, DX
	JGE  failed
	JMP  directory

separator:
	LEAQ PATH, AX
	CMPQ DI, AX
	JNE  command
	MOVB $0x2E, 0(DI)        // an empty element is "."
	INCQ DI

command:
	MOVB $0x2F, 0(DI)
	INCQ DI
	MOVQ R8, SI
	LEAQ 8192(BX), DX

name:
	MOVBLZX 0(SI), AX
	MOVB AX, 0(DI)
	INCQ SI
	INCQ DI
	CMPQ DI, DX
	JGE  failed
	TESTL AX, AX
	JNE  name

	MOVQ $EXECVE, AX
	LEAQ PATH, DI
	MOVQ R9, SI
	MOVQ R15, DX
	SYSCALL
	CMPQ AX, $-2             // ENOENT
	JEQ  following
	CMPQ AX, $-20            // ENOTDIR
	JEQ  following
	MOVQ $126, R13

following:
	CMPB 0(R14), $0
	JEQ  failed
	INCQ R14
	JMP  element

direct:
	MOVQ $EXECVE, AX
	MOVQ R8, DI
	MOVQ R9, SI
	MOVQ R15, DX
	SYSCALL
	CMPQ AX, $-2
	JEQ  failed
	MOVQ $126, R13

failed:
	// "COMMAND: cannot execute"
	MOVQ R8, SI
	XORQ DX, DX

length:
	MOVBLZX 0(SI)(DX*1), AX
	INCQ DX
	TESTL AX, AX
	JNE  length
	DECQ DX
	MOVQ $WRITE, AX
	MOVQ $2, DI
	SYSCALL
	MOVQ $0x746F6E6E6163203A, AX
	MOVQ AX, TEXT1
	MOVQ $0x6574756365786520, AX
	MOVQ AX, 40(BX)
	MOVB $0x0A, 48(BX)
	MOVQ $WRITE, AX
	MOVQ $2, DI
	LEAQ TEXT1, SI
	MOVQ $17, DX
	SYSCALL
	MOVQ R13, DI
	JMP  exit

	QUAD $0x444E452D54494E49 // "INIT-END"

// func address() unsafe.Pointer
TEXT ·address(SB), NOSPLIT, $0-8
	LEAQ ·program(SB), AX
	MOVQ AX, ret+0(FP)
	RET
