/* A native program that does one thing, named by its first argument. It says `ready` once it is in that state. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int code;

static void say(int fd, const char *text)
{
    (void)!write(fd, text, strlen(text));
}

static void leave(int signal)
{
    (void)signal;
    _exit(code);
}

static void on_signals(void (*handler)(int))
{
    signal(SIGINT, handler);
    signal(SIGTERM, handler);
    signal(SIGHUP, handler);
}

__attribute__((noreturn)) static int stay(void)
{
    say(1, "ready\n");
    for (;;)
        pause();
}

/* Copies stdin to stdout, at most `limit` bytes of it. */
static int copy(long limit)
{
    static char buffer[65536];
    while (limit > 0) {
        ssize_t count = read(0, buffer, limit < (long)sizeof buffer ? (size_t)limit : sizeof buffer);
        if (count <= 0)
            return count < 0;
        for (ssize_t done = 0; done < count;) {
            ssize_t written = write(1, buffer + done, count - done);
            if (written < 0)
                return 2;
            done += written;
        }
        limit -= count;
    }
    return 0;
}

/* Every byte there is, twice, with no line's end. */
static int bytes(void)
{
    unsigned char all[512];
    for (int i = 0; i < 512; i++)
        all[i] = (unsigned char)i;
    return write(1, all, sizeof all) != sizeof all;
}

/* Two writers, one on stdout and one on stderr, that write `count` lines each. */
static int lines(int count)
{
    int second = fork();
    int fd = second == 0 ? 2 : 1;
    char line[128];
    for (int i = 0; i < count; i++) {
        int length = snprintf(line, sizeof line, "writer %d line %06d %.60s\n", fd, i,
                              "........................................................................");
        if (write(fd, line, length) != length)
            _exit(1);
    }
    if (second == 0)
        _exit(0);
    int status = 1;
    return waitpid(second, &status, 0) != second || status != 0;
}

/* A grandchild in a session of its own outlives us, as a daemon would. */
static int orphan(void)
{
    int made[2];
    if (pipe(made) != 0)
        return 1;
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            on_signals(SIG_IGN);
            close(made[0]);
            say(made[1], "!");
            for (;;)
                pause();
        }
        _exit(0);
    }
    char up;
    return read(made[0], &up, 1) == 1 ? 5 : 1;
}

/* Half of the children stay zombies of ours, half are left to the first process. */
static int zombies(int count)
{
    for (int i = 0; i < count; i++) {
        int child = fork();
        if (child < 0)
            return 1;
        if (child == 0) {
            if (i % 2 == 0 && fork() == 0)
                usleep(1000);
            _exit(0);
        }
        if (i % 2 == 0)
            waitpid(child, NULL, 0);
    }
    return 6;
}

/* Says with which mode files are made, and whether signals that a shell may have ignored still work. */
static int given(void)
{
    int mask = umask(0);
    int ignored = signal(SIGCHLD, SIG_DFL) == SIG_IGN || signal(SIGPIPE, SIG_DFL) == SIG_IGN;
    printf("umask %03o, signals %s\n", mask, ignored ? "ignored" : "work");
    return 0;
}

int main(int count, char **arguments)
{
    const char *what = count > 1 ? arguments[1] : "";
    long number = count > 2 ? strtol(arguments[2], NULL, 10) : 0;
    code = (int)number;
    if (!strcmp(what, "exit"))
        return (int)number;
    if (!strcmp(what, "obey")) {
        on_signals(leave);
        return stay();
    }
    if (!strcmp(what, "ignore")) {
        on_signals(SIG_IGN);
        return stay();
    }
    if (!strcmp(what, "stay"))
        return stay();
    if (!strcmp(what, "copy"))
        return copy(number ? number : 0x7fffffffffffffff);
    if (!strcmp(what, "bytes"))
        return bytes();
    if (!strcmp(what, "lines"))
        return lines((int)number);
    if (!strcmp(what, "orphan"))
        return orphan();
    if (!strcmp(what, "given"))
        return given();
    if (!strcmp(what, "zombies"))
        return zombies((int)number);
    return 99;
}
