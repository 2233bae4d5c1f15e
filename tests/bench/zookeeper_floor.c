/* The floor that dsfailover's registry work is measured against: the same requests, sent by the bare
 * ZooKeeper C client, 1,000 in flight, with nothing around them.
 *
 *   zookeeper_floor HOST:PORT connect [CONNINFO]     connects and leaves, with PostgreSQL too
 *   zookeeper_floor HOST:PORT fill FOLDER COUNT      creates marks from 2001
 *   zookeeper_floor HOST:PORT gets FOLDER            lists FOLDER and gets every child
 *   zookeeper_floor HOST:PORT clean FOLDER           the same, and deletes each with its version
 *
 * Prints the number of nodes it handled. Any error ends it with status 1. */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zookeeper/zookeeper.h>

enum { IN_FLIGHT = 1000, PATH_SIZE = 512 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int connected, in_flight;
static zhandle_t *handle;

static void fail(const char *what, int code) {
    fprintf(stderr, "zookeeper_floor: %s: %s\n", what, zerror(code));
    exit(1);
}

static void on_session(zhandle_t *h, int type, int state, const char *path, void *context) {
    (void)h, (void)path, (void)context;
    if (type != ZOO_SESSION_EVENT) return;
    pthread_mutex_lock(&mutex);
    connected = state == ZOO_CONNECTED_STATE;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&mutex);
}

static void connect_to(const char *hosts) {
    zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
    handle = zookeeper_init(hosts, on_session, 10000, NULL, NULL, 0);
    if (handle == NULL) fail("connecting", ZSYSTEMERROR);
    zoo_set_servers_resolution_delay(handle, -1);
    pthread_mutex_lock(&mutex);
    while (!connected) pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

/* Waits until fewer than `most` requests are under way, and counts one more. */
static void enter(int most) {
    pthread_mutex_lock(&mutex);
    while (in_flight >= most) pthread_cond_wait(&changed, &mutex);
    ++in_flight;
    pthread_mutex_unlock(&mutex);
}

static void leave(int code) {
    if (code != ZOK) fail("a request", code);
    pthread_mutex_lock(&mutex);
    if (in_flight-- == IN_FLIGHT || in_flight == 0) pthread_cond_signal(&changed);
    pthread_mutex_unlock(&mutex);
}

static void wait_for_all(void) {
    pthread_mutex_lock(&mutex);
    while (in_flight > 0) pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
}

static void on_data(int code, const char *value, int length, const struct Stat *stat,
                    const void *version) {
    (void)value, (void)length;
    if (code == ZOK) *(int *)version = stat->version;
    leave(code);
}

static void on_deleted(int code, const void *context) {
    (void)context;
    leave(code);
}

static void on_created(int code, const char *path, const void *context) {
    (void)path, (void)context;
    leave(code);
}

static void fill(const char *folder, int count) {
    char path[PATH_SIZE];
    for (const char *slash = folder + 1; (slash = strchr(slash, '/')) != NULL; ++slash) {
        snprintf(path, sizeof path, "%.*s", (int)(slash - folder), folder);
        zoo_create(handle, path, "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0);
    }
    zoo_create(handle, folder, "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0);
    for (int i = 0; i < count; ++i) {
        snprintf(path, sizeof path, "%s/127.1.%d.%d:5678-%d-%d", folder, i / 250 % 250, i % 250,
                 1000000000 + i, 1000 + i % 30000);
        enter(IN_FLIGHT);
        const int code = zoo_acreate(handle, path, "1000000000000", 13, &ZOO_OPEN_ACL_UNSAFE, 0,
                                     on_created, NULL);
        if (code != ZOK) fail("creating", code);
    }
    wait_for_all();
}

static int get_all(const char *folder, int and_delete) {
    char path[PATH_SIZE];
    struct String_vector names;
    struct Stat stat;
    int code = zoo_get_children2(handle, folder, 0, &names, &stat);
    if (code != ZOK) fail("listing", code);
    int *versions = calloc((size_t)names.count + 1, sizeof *versions);
    for (int i = 0; i < names.count; ++i) {
        snprintf(path, sizeof path, "%s/%s", folder, names.data[i]);
        enter(IN_FLIGHT);
        if ((code = zoo_aget(handle, path, 0, on_data, &versions[i])) != ZOK) fail("reading", code);
    }
    wait_for_all();
    for (int i = 0; and_delete && i < names.count; ++i) {
        snprintf(path, sizeof path, "%s/%s", folder, names.data[i]);
        enter(IN_FLIGHT);
        if ((code = zoo_adelete(handle, path, versions[i], on_deleted, NULL)) != ZOK)
            fail("deleting", code);
    }
    wait_for_all();
    free(versions);
    return names.count;
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    const char *what = argv[2];
    int count = 0;
    PGconn *database = NULL;
    connect_to(argv[1]);
    if (strcmp(what, "connect") == 0 && argc == 4) {
        database = PQconnectdb(argv[3]);
        if (PQstatus(database) != CONNECTION_OK) {
            fputs(PQerrorMessage(database), stderr);
            return 1;
        }
    } else if (strcmp(what, "fill") == 0 && argc == 5) {
        fill(argv[3], count = atoi(argv[4]));
    } else if (strcmp(what, "gets") == 0 && argc == 4) {
        count = get_all(argv[3], 0);
    } else if (strcmp(what, "clean") == 0 && argc == 4) {
        count = get_all(argv[3], 1);
    } else if (strcmp(what, "connect") != 0) {
        return 2;
    }
    printf("%d\n", count);
    PQfinish(database);
    zookeeper_close(handle);
    return 0;
}
