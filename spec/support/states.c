/* states.c: runs one Lua program in several threads at once, each with a state of its own.
 * SPDX-License-Identifier: MIT
 *
 * states THREADS PROGRAM ARGUMENT...
 */
#include <lauxlib.h>
#include <lualib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 16 };

static char **words; /* PROGRAM ARGUMENT... NULL */
static atomic_int failures;

static void *run(void *subject)
{
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    int count = 0, status = luaL_loadfile(L, words[0]);
    for (; status == LUA_OK && words[count + 1]; count++)
        lua_pushstring(L, words[count + 1]);
    if (status == LUA_OK)
        status = lua_pcall(L, count, 0, 0);
    if (status != LUA_OK) {
        fprintf(stderr, "%s\n", lua_tostring(L, -1));
        atomic_fetch_add(&failures, 1);
    }
    lua_close(L);
    return subject;
}

int main(int argc, char **argv)
{
    pthread_t threads[MOST];
    int wanted = argc > 2 ? (int) strtol(argv[1], NULL, 10) : 0, count = 0;
    if (wanted < 1 || wanted > MOST)
        return 2;
    words = argv + 2;
    while (count < wanted && pthread_create(&threads[count], NULL, run, NULL) == 0)
        count++;
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return count == wanted && atomic_load(&failures) == 0 ? 0 : 1;
}
