/* System calls of Linux on x86-64, made by hand: a Windows program under Wine can make them too. Results are the
   kernel's: negative ones are errors. Numbers: arch/x86/entry/syscalls/syscall_64.tbl. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef long long word;

static word raw6(word n, word a, word b, word c, word d, word e, word f)
{
    register word r10 __asm__("r10") = d;
    register word r8 __asm__("r8") = e;
    register word r9 __asm__("r9") = f;
    word result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

#define W(x) ((word)(x))
#define RAW0(n) raw6(n, 0, 0, 0, 0, 0, 0)
#define RAW1(n, a) raw6(n, W(a), 0, 0, 0, 0, 0)
#define RAW2(n, a, b) raw6(n, W(a), W(b), 0, 0, 0, 0)
#define RAW3(n, a, b, c) raw6(n, W(a), W(b), W(c), 0, 0, 0)
#define RAW4(n, a, b, c, d) raw6(n, W(a), W(b), W(c), W(d), 0, 0)
#define RAW5(n, a, b, c, d, e) raw6(n, W(a), W(b), W(c), W(d), W(e), 0)

enum { READ_ONLY = 0, WRITE_ONLY = 1, READ_WRITE = 2, CREATE = 0100, DIRECTORY = 0200000, HERE = -100 };

static word open_file(const char *path, int flags) { return RAW4(257, HERE, path, flags, 0600); }
static word read_from(word file, void *to, word size) { return RAW3(0, file, to, size); }
static void close_file(word file) { RAW1(3, file); }

static word read_link(const char *path, char *to, word size)
{
    word length = RAW3(89, path, to, size - 1);
    to[length > 0 ? length : 0] = 0;
    return length;
}

/* Calls `each` with the name of every entry of a directory. */
static void each_entry(const char *path, void (*each)(const char *path, const char *name))
{
    static char entries[4][8192];
    static int depth;
    word directory = open_file(path, READ_ONLY | DIRECTORY), length;
    if (directory < 0)
        return;
    char *buffer = entries[depth++];
    while ((length = RAW3(217, directory, buffer, 8192)) > 0)
        for (word at = 0; at < length; at += *(unsigned short *)(buffer + at + 16))
            if (buffer[at + 19] != '.')
                each(path, buffer + at + 19);
    depth--;
    close_file(directory);
}

/* Reads a whole file, as far as there is room, with a NUL after it. */
static word read_file(const char *path, char *to, word size)
{
    word file = open_file(path, READ_ONLY), length = 0, got = 0;
    if (file < 0)
        return file;
    while (length < size - 1 && (got = read_from(file, to + length, size - 1 - length)) > 0)
        length += got;
    close_file(file);
    to[length] = 0;
    return got < 0 ? got : length;
}
