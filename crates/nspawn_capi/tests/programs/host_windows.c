/* host_windows CONFIG STATE: a host with threads of its own, which runs the config in the file CONFIG four times at
   once, twice, and is in all ways after it as it was before. The program shall exit with 7. */
#include "check.h"
#include "hostcompute_nspawn.h"

#include <string.h>
#include <windows.h>
#include <tlhelp32.h>

#define AT_ONCE 4

static char config[1 << 20];
static size_t config_length;
static const char *state;
static volatile LONG steps;

/* What a process is, as far as its threads share it. */
struct self {
    WCHAR directory[MAX_PATH];
    HANDLE input, output, error;
    DWORD_PTR affinity, of_system;
    DWORD priority, mode;
    size_t variables;
};

static void look(struct self *self)
{
    WCHAR *block = GetEnvironmentStringsW(), *end = block;
    memset(self, 0, sizeof *self);
    CHECK(GetCurrentDirectoryW(MAX_PATH, self->directory) != 0);
    self->input = GetStdHandle(STD_INPUT_HANDLE);
    self->output = GetStdHandle(STD_OUTPUT_HANDLE);
    self->error = GetStdHandle(STD_ERROR_HANDLE);
    CHECK(GetProcessAffinityMask(GetCurrentProcess(), &self->affinity, &self->of_system));
    self->priority = GetPriorityClass(GetCurrentProcess());
    self->mode = GetErrorMode();
    while (*end != 0)
        end += wcslen(end) + 1;
    self->variables = (size_t)(end - block);
    FreeEnvironmentStringsW(block);
}

static int count_threads(void)
{
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    THREADENTRY32 entry;
    int count = 0;
    BOOL more;
    CHECK(snapshot != INVALID_HANDLE_VALUE);
    entry.dwSize = sizeof entry;
    for (more = Thread32First(snapshot, &entry); more; more = Thread32Next(snapshot, &entry))
        count += entry.th32OwnerProcessID == GetCurrentProcessId();
    CloseHandle(snapshot);
    return count;
}

static void step(void *caller, const char *line)
{
    /* On the thread that called, and on no other. */
    CHECK(*(DWORD *)caller == GetCurrentThreadId());
    CHECK(line[0] != '\0');
    InterlockedIncrement(&steps);
}

static DWORD WINAPI caller(void *unused)
{
    hostcompute_nspawn_options options;
    hostcompute_nspawn_result result;
    DWORD self = GetCurrentThreadId();
    int code;

    (void)unused;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.config_json = config;
    options.config_json_len = config_length;
    options.state_directory = state;
    options.step = step;
    options.context = &self;
    memset(&result, 0, sizeof result);
    result.struct_size = sizeof result;
    code = hostcompute_nspawn_run(&options, &result);
    if (code != HOSTCOMPUTE_NSPAWN_OK)
        fprintf(stderr, "%d: %s\n", code, result.error);
    CHECK(code == HOSTCOMPUTE_NSPAWN_OK);
    CHECK(result.exited == 1 && result.exit_code == 7 && result.exit_status == 7 && result.error == NULL);
    hostcompute_nspawn_free(result.report_json);
    return 0;
}

static void call_at_once(void)
{
    HANDLE threads[AT_ONCE];
    int i;
    for (i = 0; i < AT_ONCE; ++i) {
        threads[i] = CreateThread(NULL, 0, caller, NULL, 0, NULL);
        CHECK(threads[i] != NULL);
    }
    CHECK(WaitForMultipleObjects(AT_ONCE, threads, TRUE, 120000) < WAIT_OBJECT_0 + AT_ONCE);
    for (i = 0; i < AT_ONCE; ++i)
        CloseHandle(threads[i]);
}

int main(int count, char **arguments)
{
    static struct self before, after;
    int threads, tries = 0;
    FILE *file;

    CHECK(count == 3);
    file = fopen(arguments[1], "rb");
    CHECK(file != NULL);
    config_length = fread(config, 1, sizeof config, file);
    fclose(file);
    state = arguments[2];

    look(&before);
    /* The first time loads what stays loaded, and its threads with it. */
    call_at_once();
    threads = count_threads();
    call_at_once();
    look(&after);
    CHECK(memcmp(&before, &after, sizeof before) == 0);
    CHECK(steps > 0);
    /* Threads that are about to end may still be there. */
    while (count_threads() > threads) {
        CHECK(++tries < 500);
        Sleep(10);
    }
    puts("host: good");
    return 0;
}
