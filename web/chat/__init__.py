"""What websites and visitors see of a chat: `/chat/<inbox>`, the loader, the frame, and what the frame asks for.

The frame is a page of ours, so it speaks to the desk as any page of ours does: no other site can make a browser do so.
Who somebody is stands in a token that only the frame has; nothing is kept on the site that shows it.
"""
