"""The private PostgreSQL of a desk without DATABASE_URL: started, watched and ended together with it.

Nothing listens on the network. The socket lies in a folder of mode 0700, and the server asks the kernel who
is calling (`peer`): only the user that the desk runs as gets in, under any role. So the two roles do not part
this user from the data; they part the *application* from it, which never connects as the superuser and owns
no table. Whoever can run programs as the desk's user can read the files anyway.

Neither side outlives the other:
- Two locks, which the kernel drops when their holders die. `owner.lock` is held by the desk; `server.lock`
  is inherited by every process of the server. Who gets both knows that nothing of an earlier run is left,
  whatever a stale postmaster.pid claims, even from another container.
- A lifeline. The server's shell leaves a child that reads a pipe from the desk: when the desk is gone, even by
  kill -9, the pipe closes and the child asks the server for a fast shutdown. (PR_SET_PDEATHSIG would bind
  the server to the *thread* that started it, and exists on Linux alone.)
"""

from helpdesk.embedded.server import AlreadyServed, EmbeddedPostgres

__all__ = ["AlreadyServed", "EmbeddedPostgres"]
