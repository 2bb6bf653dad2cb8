/* Runs a program on a kernel that lacks some calls: deny RULE... -- PROGRAM ARGUMENTS...

   A rule is NUMBER=ERRNO: this call fails so; or NUMBER:ARGUMENT=ERRNO: only where its first argument is that. */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field) (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value, skip) (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define ANSWER(what) (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, what)

int main(int count, char **arguments)
{
    struct sock_filter code[256];
    unsigned short length = 0;
    int at = 1;
    for (; at < count && strcmp(arguments[at], "--") && length < 240; at++) {
        unsigned number, argument, errno_wanted;
        code[length++] = LOAD(nr);
        if (sscanf(arguments[at], "%u=%u", &number, &errno_wanted) == 2) {
            code[length++] = UNLESS(number, 1);
        } else if (sscanf(arguments[at], "%u:%u=%u", &number, &argument, &errno_wanted) == 3) {
            code[length++] = UNLESS(number, 3);
            code[length++] = LOAD(args[0]);
            code[length++] = UNLESS(argument, 1);
        } else {
            fprintf(stderr, "deny: %s is no rule\n", arguments[at]);
            return 99;
        }
        code[length++] = ANSWER(SECCOMP_RET_ERRNO | errno_wanted);
    }
    code[length++] = ANSWER(SECCOMP_RET_ALLOW);
    struct sock_fprog filter = {length, code};
    if (at + 1 >= count || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter)) {
        perror("deny");
        return 99;
    }
    execvp(arguments[at + 1], arguments + at + 1);
    perror("deny");
    return 99;
}
