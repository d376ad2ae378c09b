/* The time of day, shifted by CLOCK_SHIFT_S seconds, for a program that preloads this and for all
 * that it starts. Only what says which moment it is: what measures how long something takes (the
 * monotonic clock, sleeping, waiting) stays as it is. libfaketime 0.9.10 shifts that too, and then
 * Python cannot sleep or wait. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t shift(void) {
  static time_t seconds;
  static int is_known;
  if (!is_known) {
    const char *text = getenv("CLOCK_SHIFT_S");
    seconds = text ? strtoll(text, NULL, 10) : 0;
    is_known = 1;
  }
  return seconds;
}

static int is_of_day(clockid_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI;
}

int clock_gettime(clockid_t clock, struct timespec *moment) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int failed = real(clock, moment);
  if (!failed && is_of_day(clock)) moment->tv_sec += shift();
  return failed;
}

int gettimeofday(struct timeval *restrict moment, void *restrict zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  moment->tv_sec = now.tv_sec;
  moment->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *moment) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (moment) *moment = now.tv_sec;
  return now.tv_sec;
}

int timespec_get(struct timespec *moment, int base) {
  return base == TIME_UTC && !clock_gettime(CLOCK_REALTIME, moment) ? base : 0;
}

/* Who waits until a moment of the day means the shifted one. */
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until,
                    struct timespec *rest) {
  static int (*real)(clockid_t, int, const struct timespec *, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_nanosleep");
  struct timespec moment = *until;
  if (flags & TIMER_ABSTIME && is_of_day(clock)) moment.tv_sec -= shift();
  return real(clock, flags, &moment, rest);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
  static int (*real)(sem_t *, const struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "sem_timedwait");
  struct timespec moment = *until;
  moment.tv_sec -= shift();
  return real(semaphore, &moment);
}
