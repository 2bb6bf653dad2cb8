/* A Windows program that does one thing, named by its first argument. It says `ready` once it is in that state. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static UINT code;

static HANDLE standard(DWORD which)
{
    return GetStdHandle(which);
}

static BOOL put(HANDLE handle, const void *data, DWORD length)
{
    for (DWORD done = 0, written; done < length; done += written)
        if (!WriteFile(handle, (const char *)data + done, length - done, &written, NULL))
            return FALSE;
    return TRUE;
}

static BOOL WINAPI leave(DWORD event)
{
    (void)event;
    ExitProcess(code);
}

static BOOL WINAPI ignore(DWORD event)
{
    (void)event;
    return TRUE;
}

static int stay(void)
{
    put(standard(STD_OUTPUT_HANDLE), "ready\n", 6);
    Sleep(INFINITE);
    return 1;
}

/* Copies stdin to stdout, at most `limit` bytes of it. */
static int copy(long long limit)
{
    static char buffer[65536];
    while (limit > 0) {
        DWORD count = 0, want = limit < (long long)sizeof buffer ? (DWORD)limit : sizeof buffer;
        if (!ReadFile(standard(STD_INPUT_HANDLE), buffer, want, &count, NULL))
            return GetLastError() == ERROR_BROKEN_PIPE ? 0 : 1;
        if (count == 0)
            return 0;
        if (!put(standard(STD_OUTPUT_HANDLE), buffer, count))
            return 2;
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
    return !put(standard(STD_OUTPUT_HANDLE), all, sizeof all);
}

static int line_count;

static DWORD WINAPI write_lines(void *which)
{
    HANDLE handle = standard(which ? STD_ERROR_HANDLE : STD_OUTPUT_HANDLE);
    char line[128];
    for (int i = 0; i < line_count; i++) {
        int length = snprintf(line, sizeof line, "writer %d line %06d %.60s\n", which ? 2 : 1, i,
                              "........................................................................");
        if (!put(handle, line, (DWORD)length))
            return 1;
    }
    return 0;
}

/* Two writers, one on stdout and one on stderr, that write `count` lines each. */
static int lines(int count)
{
    line_count = count;
    HANDLE second = CreateThread(NULL, 0, write_lines, (void *)1, 0, NULL);
    DWORD failed = write_lines(NULL), other = 1;
    WaitForSingleObject(second, INFINITE);
    GetExitCodeThread(second, &other);
    return (int)(failed | other);
}

/* A child in a process group of its own outlives us. */
static int orphan(const char *self)
{
    STARTUPINFOA start = {.cb = sizeof start};
    PROCESS_INFORMATION child;
    char line[300];
    snprintf(line, sizeof line, "\"%s\" ignore", self);
    DWORD flags = CREATE_NEW_PROCESS_GROUP | DETACHED_PROCESS;
    return CreateProcessA(NULL, line, NULL, NULL, FALSE, flags, NULL, NULL, &start, &child) ? 5 : 1;
}

int main(int count, char **arguments)
{
    const char *what = count > 1 ? arguments[1] : "";
    code = count > 2 ? (UINT)strtoul(arguments[2], NULL, 10) : 0;
    if (!strcmp(what, "exit"))
        ExitProcess(code);
    if (!strcmp(what, "obey")) {
        SetConsoleCtrlHandler(leave, TRUE);
        return stay();
    }
    if (!strcmp(what, "ignore")) {
        SetConsoleCtrlHandler(ignore, TRUE);
        return stay();
    }
    if (!strcmp(what, "stay"))
        return stay();
    if (!strcmp(what, "copy"))
        return copy(code ? code : 0x7fffffffffffffff);
    if (!strcmp(what, "bytes"))
        return bytes();
    if (!strcmp(what, "lines"))
        return lines((int)code);
    if (!strcmp(what, "orphan"))
        return orphan(arguments[0]);
    return 99;
}
