"""Access: the roles of a project's accounts, and how long an invitation holds."""

from typing import Literal, get_args

Role = Literal["reader", "lead", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
INVITATION_SECONDS = 7 * 24 * 3600.0
