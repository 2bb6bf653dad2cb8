/* Makes calls by the entry of 32-bit programs, from 64-bit code: gcc -static -nostdlib -no-pie, for pointers there have 32
   bits. Exits with the line of the first that is not answered as it should be, less 10; with 0 where all are. None does
   harm where it is allowed. */

enum { EPERM = -1, EAFNOSUPPORT = -97, ENOSYS = -38, EFAULT = -14 };

static long call(int number, long one, long two, long three, long four)
{
    long result;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"((long)number), "b"(one), "c"(two), "d"(three), "S"(four)
                     : "memory", "r8", "r9", "r10", "r11");
    return (int)result;
}

#define P(pointer) ((long)(pointer))
#define EXPECT(holds)                                                                                                  \
    if (!(holds))                                                                                                      \
        call(252, __LINE__ - 10, 0, 0, 0) /* exit_group */

static unsigned arguments[4];
static int pair[2];
static char text[4];

static long socketcall(int what, unsigned one, unsigned two, unsigned three, unsigned four)
{
    arguments[0] = one, arguments[1] = two, arguments[2] = three, arguments[3] = four;
    return call(102, what, P(arguments), 0, 0);
}

/* The descriptor's flags: whether it is closed by executing another program. */
static long is_closed(long descriptor)
{
    return call(55, descriptor, 1, 0, 0);
}

void _start(void)
{
    long made;
    EXPECT(call(20, 0, 0, 0, 0) > 0); /* getpid */
    EXPECT(call(21, P("none"), P("/none"), P("tmpfs"), 0) == EPERM); /* mount */
    EXPECT(call(22, P("/none"), 0, 0, 0) == EPERM); /* umount */
    EXPECT(call(310, 0x10000000, 0, 0, 0) == EPERM); /* unshare */
    EXPECT(call(120, 0x10000011, 0, 0, 0) == EPERM); /* clone */
    EXPECT(call(435, 0, 0, 0, 0) == ENOSYS); /* clone3 */
    EXPECT(call(15, P("/none"), 04755, 0, 0) == EPERM); /* chmod */
    EXPECT(call(404, 0, 0, 0, 0) == EPERM); /* clock_settime64 */
    /* Sockets by the newer call. */
    EXPECT(call(359, 40, 1, 0, 0) == EPERM); /* AF_VSOCK */
    EXPECT((made = call(359, 1, 1, 0, 0)) >= 0);
    EXPECT(call(6, made, 0, 0, 0) == 0);
    /* And by the older one. */
    EXPECT(socketcall(1, 40, 1, 0, 0) == EPERM);
    EXPECT(socketcall(1, 38, 5, 0, 0) == EPERM); /* AF_ALG */
    EXPECT(socketcall(1, 2, 1, 132, 0) == EPERM); /* SCTP */
    EXPECT(socketcall(1, 10, 6, 0, 0) == EPERM); /* SOCK_DCCP */
    EXPECT(socketcall(1, 0x10001, 1, 0, 0) == EAFNOSUPPORT);
    EXPECT(socketcall(8, 21, 5, 0, P(pair)) == EPERM); /* AF_RDS */
    EXPECT(call(102, 1, 8, 0, 0) == EFAULT);
    EXPECT((made = socketcall(1, 2, 1, 0, 0)) >= 0 && is_closed(made) == 0);
    EXPECT((made = socketcall(1, 2, 1 | 02000000, 0, 0)) >= 0 && is_closed(made) == 1);
    EXPECT(socketcall(4, made, 5, 0, 0) == 0); /* listen */
    EXPECT(socketcall(8, 1, 1 | 04000, 0, P(pair)) == 0);
    EXPECT(pair[0] > 2 && pair[1] == pair[0] + 1);
    EXPECT(call(4, pair[0], P("hi!"), 4, 0) == 4 && call(3, pair[1], P(text), 4, 0) == 4);
    EXPECT(text[0] == 'h' && text[3] == 0);
    EXPECT(call(3, pair[1], P(text), 4, 0) == -11); /* it does not wait, as was asked for */
    EXPECT(socketcall(8, 1, 1, 0, 8) == EFAULT);
    call(252, 0, 0, 0, 0);
}
