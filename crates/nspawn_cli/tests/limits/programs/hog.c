/* A program that tries to have more than it may, native and for Windows: hog WHAT NUMBERS...

     memory MB           has so much memory, and says so
     children COUNT MB   so many children that each have so much at once
     cache FILE MB       writes a file of so much and reads it back
     burn THREADS MS     keeps so many threads busy for so long; tells the processor time used, the time that went
                         by, and the processors it ran on
     processors          tells which processors it may use, before and after it tried to have them all
     bomb COUNT          so many copies of itself that stay, or as many as it gets; tells how many
     threads COUNT       so many threads that stay, or as many as it gets; tells how many
     write COUNT BYTES   so many writes that reach the disk; tells how long they took                              */
#ifdef _WIN32
#include "windows.h"
#else
#include "linux.h"
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile unsigned long long ran_on;
static long long deadline;

static void have(size_t megabytes)
{
    for (size_t n = 0; n < megabytes; n++) {
        char *piece = get_memory(1 << 20);
        if (!piece) {
            printf("refused %u\n", (unsigned)n);
            exit(3);
        }
        for (size_t at = 0; at < 1 << 20; at += 4096)
            piece[at] = 1;
    }
}

static int memory(int megabytes)
{
    have(megabytes);
    printf("had %d\n", megabytes);
    return 0;
}

static int children(int count, const char *megabytes)
{
    int failed = 0;
    for (int n = 0; n < count; n++)
        start_self(n, megabytes);
    for (int n = 0; n < count; n++)
        failed |= wait_for(n);
    printf("children %d\n", failed);
    return failed;
}

static int cache(const char *path, int megabytes)
{
    static char piece[1 << 20];
    FILE *file = fopen(path, "wb+");
    long long sum = 0;
    if (!file)
        return 4;
    memset(piece, 1, sizeof piece);
    for (int n = 0; n < megabytes; n++)
        if (fwrite(piece, sizeof piece, 1, file) != 1)
            return 5;
    rewind(file);
    for (int n = 0; n < megabytes && fread(piece, sizeof piece, 1, file) == 1; n++)
        sum += piece[n];
    printf("cached %lld\n", sum);
    return 0;
}

static void busy(void)
{
    while (now_us() < deadline)
        for (int n = 0; n < 1000; n++)
            __sync_fetch_and_or(&ran_on, 1ull << this_processor());
}

static int burn(int threads, int milliseconds)
{
    /* What starting took is not its own: much, of Wine, on a slow machine. */
    long long start = now_us(), before = used_us();
    deadline = start + milliseconds * 1000ll;
    for (int n = 1; n < threads; n++)
        start_thread(busy);
    busy();
    printf("used %lld\n", used_us() - before);
    printf("wall %lld\n", now_us() - start);
    printf("ran-on %llu\n", ran_on);
    return 0;
}

static int processors(void)
{
    printf("may-use %llu\n", allowed_processors());
    printf("count %d\n", processor_count());
    have_all_processors();
    printf("after %llu\n", allowed_processors());
    return burn(8, 300);
}

static int bomb(int count)
{
    int n = 0;
    while (n < count && start_staying())
        n++;
    printf("bomb %d\n", n);
    return 0;
}

static int threads(int count)
{
    int n = 0;
    while (n < count && start_thread(stay))
        n++;
    printf("threads %d\n", n);
    return 0;
}

static int write_all(int count, int bytes)
{
    long long start = now_us();
    if (write_through("written", count, bytes))
        return 6;
    printf("took %lld\n", now_us() - start);
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    int first = argc > 2 ? atoi(argv[2]) : 0, second = argc > 3 ? atoi(argv[3]) : 0;
    setvbuf(stdout, NULL, _IONBF, 0);
    if (!strcmp(what, "memory"))
        return memory(first);
    if (!strcmp(what, "hold"))
        return have(first), rest(), 0;
    if (!strcmp(what, "children"))
        return children(first, argv[3]);
    if (!strcmp(what, "cache"))
        return cache(argv[2], second);
    if (!strcmp(what, "burn"))
        return burn(first, second);
    if (!strcmp(what, "processors"))
        return processors();
    if (!strcmp(what, "bomb"))
        return bomb(first);
    if (!strcmp(what, "threads"))
        return threads(first);
    if (!strcmp(what, "stay"))
        return stay(), 0;
    if (!strcmp(what, "write"))
        return write_all(first, second);
    return 2;
}
