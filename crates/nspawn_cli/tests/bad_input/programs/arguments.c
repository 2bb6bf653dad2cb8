/* Prints what a Windows program is given, in hexadecimal UTF-16 units: its arguments as the C run-time splits them
   (crt), and as the system does (argv); the length of the command line; what other programs run beside it. */
#include <stdio.h>
#include <windows.h>
#include <shellapi.h>
#include <tlhelp32.h>

/* What the start-up code of a wide main calls (msvcrt.dll). */
int __cdecl __wgetmainargs(int *argc, wchar_t ***argv, wchar_t ***environment, int expand, int *mode);

static void tell(const char *key, const wchar_t *text)
{
    printf("%s ", key);
    for (; *text; text++)
        printf("%04x", (unsigned)*text);
    puts("");
}

static void tell_processes(void)
{
    PROCESSENTRY32W entry = {.dwSize = sizeof entry};
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    for (BOOL more = Process32FirstW(snapshot, &entry); more; more = Process32NextW(snapshot, &entry))
        printf("process %ls\n", entry.szExeFile);
    CloseHandle(snapshot);
}

int main(void)
{
    int argc, count, mode = 0;
    wchar_t **argv, **environment;
    __wgetmainargs(&argc, &argv, &environment, 0, &mode);
    wchar_t **split = CommandLineToArgvW(GetCommandLineW(), &count);
    for (int i = 1; i < argc; i++)
        tell("crt", argv[i]);
    for (int i = 1; i < count; i++)
        tell("argv", split[i]);
    tell("self", argv[0]);
    printf("line %d\n", lstrlenW(GetCommandLineW()));
    tell_processes();
    return 0;
}
