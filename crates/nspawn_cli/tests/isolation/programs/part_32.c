/* A 32-bit Windows program: makes calls of Linux that could widen a container and sockets by the call that takes its
   arguments from memory, and has another program of its own sort do the same. */

#include <stdio.h>
#include <windows.h>

static int call(int number, int one, int two, int three)
{
    int result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(one), "c"(two), "d"(three) : "memory");
    return result;
}

static int socketcall(int what, int one, int two, int *pair)
{
    int arguments[4] = {one, two, 0, (int)pair};
    return call(102, what, (int)arguments, 0);
}

int main(int count, char **arguments)
{
    int pair[2] = {-1, -1};
    static const struct {
        const char *name;
        int number, one, two, three; /* syscall_32.tbl */
    } calls[] = {
        {"mount", 21, (int)"none", (int)"/none", (int)"tmpfs"},
        {"umount", 22, (int)"/none", 0, 0},
        {"unshare-user", 310, 0x10000000, 0, 0},
        {"unshare-mount", 310, 0x20000, 0, 0},
        {"clone-user", 120, 0x10000011, 0, 0},
        {"chmod-set-user-id", 15, (int)"/tmp", 04755, 0},
        {"stime", 25, 0, 0, 0},
        {"clock_settime64", 404, 0, 0, 0},
        {"bpf", 357, 0, 0, 0},
        {"keyctl", 288, 0, -4, 0},
        {"socket-vsock", 359, 40, 1, 0},
    };
    for (unsigned n = 0; n < sizeof calls / sizeof *calls; n++)
        printf("call %s %d\n", calls[n].name, call(calls[n].number, calls[n].one, calls[n].two, calls[n].three));
    printf("call socketcall-vsock %d\n", socketcall(1, 40, 1, 0));
    printf("call socketcall-alg %d\n", socketcall(1, 38, 5, 0));
    printf("made socket %d\n", socketcall(1, 1, 1, 0) > 0);
    printf("made pair %d\n", socketcall(8, 1, 1, pair) == 0 && pair[0] > 0 && pair[1] > pair[0]);
    fflush(stdout);
    if (count > 1) {
        STARTUPINFOA start = {sizeof start};
        PROCESS_INFORMATION process;
        DWORD code = 0;
        if (!CreateProcessA(0, arguments[1], 0, 0, TRUE, 0, 0, 0, &start, &process))
            return (int)GetLastError();
        WaitForSingleObject(process.hProcess, INFINITE);
        GetExitCodeProcess(process.hProcess, &code);
        printf("ended %lu\n", code);
    }
    return 42;
}
