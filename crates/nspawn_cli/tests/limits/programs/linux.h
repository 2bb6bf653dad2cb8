/* What hog.c needs of a system, on Linux. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long clock_us(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000ll + time.tv_nsec / 1000;
}

static long long now_us(void) { return clock_us(CLOCK_MONOTONIC); }
static long long used_us(void) { return clock_us(CLOCK_PROCESS_CPUTIME_ID); }
static int this_processor(void) { return sched_getcpu(); }
static int processor_count(void) { return sysconf(_SC_NPROCESSORS_ONLN); }
static void rest(void) { sleep(3); }
static void stay(void) { sleep(60); }

static void *get_memory(size_t bytes)
{
    void *piece = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return piece == MAP_FAILED ? NULL : piece;
}

static pid_t started[64];

static void start_self(int n, const char *megabytes)
{
    started[n] = fork();
    if (started[n] == 0)
        execl("/proc/self/exe", "hog", "hold", megabytes, NULL);
}

static int wait_for(int n)
{
    int status;
    waitpid(started[n], &status, 0);
    return status;
}

static void *thread(void *body)
{
    ((void (*)(void))body)();
    return NULL;
}

static int start_thread(void (*body)(void))
{
    pthread_t made;
    return !pthread_create(&made, NULL, thread, body);
}

static int start_staying(void)
{
    pid_t made = fork();
    if (made == 0) {
        stay();
        _exit(0);
    }
    return made > 0;
}

static unsigned long long allowed_processors(void)
{
    cpu_set_t set;
    unsigned long long mask = 0;
    sched_getaffinity(0, sizeof set, &set);
    for (int n = 0; n < 64; n++)
        mask |= CPU_ISSET(n, &set) ? 1ull << n : 0;
    return mask;
}

static void have_all_processors(void)
{
    cpu_set_t set;
    memset(&set, 0xff, sizeof set);
    sched_setaffinity(0, sizeof set, &set);
}

/* Past the page cache, as a database would. */
static int write_through(const char *path, int count, int bytes)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_DIRECT, 0600);
    void *piece = NULL;
    if (file < 0 || posix_memalign(&piece, 4096, bytes))
        return -1;
    memset(piece, 1, bytes);
    for (int n = 0; n < count; n++)
        if (write(file, piece, bytes) != bytes)
            return -1;
    return 0;
}
