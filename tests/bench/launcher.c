/* launcher RESULT COMMAND...: runs a command and writes "SECONDS KILOBYTES STATUS" into the file
 * RESULT: its wall clock, its peak resident memory and its exit status. Not left to Python, because
 * a child starts with the peak of the process that it is forked from. */
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    struct timespec begun, ended;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    const pid_t child = fork();
    if (child == 0) {
        execvp(argv[2], argv + 2);
        perror(argv[2]);
        _exit(127);
    }
    int status = 0;
    struct rusage usage;
    if (child < 0 || wait4(child, &status, 0, &usage) != child) return 2;
    clock_gettime(CLOCK_MONOTONIC, &ended);
    FILE *result = fopen(argv[1], "w");
    if (result == NULL) return 2;
    fprintf(result, "%.6f %ld %d\n",
            (double)(ended.tv_sec - begun.tv_sec) + (double)(ended.tv_nsec - begun.tv_nsec) / 1e9,
            usage.ru_maxrss, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    return fclose(result) == 0 ? 0 : 2;
}
