"""Sources of calendar items: one module a protocol, behind ``base.CalendarSource``."""
