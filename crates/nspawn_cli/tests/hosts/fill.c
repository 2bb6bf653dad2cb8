/* Fills the disk of drive C, and goes on: fill FILE. Tells with which Win32 errors, and what still works then; exits with 9. */
#include <stdio.h>
#include <windows.h>

#define LARGEST (256u << 20)

static DWORD fill(const char *path, DWORD *written)
{
    static char block[65536];
    HANDLE file = CreateFileA(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    if (file == INVALID_HANDLE_VALUE)
        return GetLastError();
    for (DWORD part; *written < LARGEST; *written += part)
        if (!WriteFile(file, block, sizeof block, &part, NULL))
            return GetLastError();
    return 0;
}

/* Wine's server keeps the registry in memory while the session lasts. */
static LONG set_value(void)
{
    HKEY key;
    LONG error = RegCreateKeyA(HKEY_CURRENT_USER, "Software\\Fill", &key);
    return error ? error : RegSetValueExA(key, "value", 0, REG_BINARY, (const BYTE *)"some", 4);
}

static DWORD start_another(void)
{
    STARTUPINFOA start = {sizeof start};
    PROCESS_INFORMATION process;
    char line[] = "C:\\windows\\system32\\cmd.exe /c exit 5";
    DWORD code = 0;
    if (!CreateProcessA(NULL, line, NULL, NULL, FALSE, 0, NULL, NULL, &start, &process))
        return GetLastError();
    WaitForSingleObject(process.hProcess, 60000);
    GetExitCodeProcess(process.hProcess, &code);
    return code;
}

int main(int count, char **arguments)
{
    DWORD written = 0;
    if (count != 2)
        return 99;
    printf("fill %lu\n", fill(arguments[1], &written));
    printf("bytes %lu\n", written);
    printf("registry %ld\n", set_value());
    printf("child %lu\n", start_another());
    return 9;
}
