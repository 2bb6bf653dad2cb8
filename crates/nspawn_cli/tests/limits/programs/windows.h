/* What hog.c needs of a system, on Windows. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>

static long long now_us(void)
{
    LARGE_INTEGER count, frequency;
    QueryPerformanceCounter(&count);
    QueryPerformanceFrequency(&frequency);
    return count.QuadPart * 1000000ll / frequency.QuadPart;
}

static long long us(FILETIME time)
{
    return (((long long)time.dwHighDateTime << 32) + time.dwLowDateTime) / 10;
}

static long long used_us(void)
{
    FILETIME created, ended, system, user;
    GetProcessTimes(GetCurrentProcess(), &created, &ended, &system, &user);
    return us(system) + us(user);
}

static int this_processor(void) { return GetCurrentProcessorNumber(); }
static void rest(void) { Sleep(3000); }
static void stay(void) { Sleep(60000); }

static int processor_count(void)
{
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return info.dwNumberOfProcessors;
}

static void *get_memory(size_t bytes)
{
    return VirtualAlloc(NULL, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

static HANDLE started[64];

static HANDLE start(const char *what, const char *argument)
{
    STARTUPINFOA startup = {.cb = sizeof startup};
    PROCESS_INFORMATION made = {0};
    char self[MAX_PATH], line[2 * MAX_PATH];
    GetModuleFileNameA(NULL, self, sizeof self);
    snprintf(line, sizeof line, "\"%s\" %s %s", self, what, argument);
    CreateProcessA(self, line, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &made);
    return made.hProcess;
}

static void start_self(int n, const char *megabytes) { started[n] = start("hold", megabytes); }
static int start_staying(void) { return start("stay", "") != NULL; }

static int wait_for(int n)
{
    DWORD code = 1;
    WaitForSingleObject(started[n], INFINITE);
    GetExitCodeProcess(started[n], &code);
    return code;
}

static DWORD WINAPI thread(void *body)
{
    ((void (*)(void))body)();
    return 0;
}

static int start_thread(void (*body)(void))
{
    HANDLE made = CreateThread(NULL, 0, thread, body, 0, NULL);
    if (made)
        CloseHandle(made);
    return made != NULL;
}

static unsigned long long allowed_processors(void)
{
    DWORD_PTR process = 0, system = 0;
    GetProcessAffinityMask(GetCurrentProcess(), &process, &system);
    return process;
}

static void have_all_processors(void)
{
    SetProcessAffinityMask(GetCurrentProcess(), ~(DWORD_PTR)0);
    SetProcessAffinityMask(GetCurrentProcess(), 3);
    SetThreadAffinityMask(GetCurrentThread(), 3);
}

/* Each write flushed: Wine 8 does not heed FILE_FLAG_NO_BUFFERING. */
static int write_through(const char *path, int count, int bytes)
{
    HANDLE file = CreateFileA(path, GENERIC_WRITE, 0, NULL, CREATE_ALWAYS, 0, NULL);
    char *piece = calloc(1, bytes);
    DWORD written;
    if (file == INVALID_HANDLE_VALUE || !piece)
        return -1;
    for (int n = 0; n < count; n++)
        if (!WriteFile(file, piece, bytes, &written, NULL) || !FlushFileBuffers(file))
            return -1;
    return 0;
}
