"""What articles say, and what people answered about it later: two who say the same in their own words, two who say
another thing. Written by hand before anything was measured, as colleagues write: shorter, turned round, with the
customer's case around it."""

from dataclasses import dataclass
from enum import StrEnum


class About(StrEnum):
    """What the contradiction is in."""

    number = "number"
    price = "price"
    date = "date"
    negation = "negation"


@dataclass(frozen=True)
class Fact:
    about: About
    told: str
    agree: tuple[str, str]
    differ: tuple[str, str]


_N, _P, _D, _X = About.number, About.price, About.date, About.negation
FACTS = (
    Fact(_N, "You can return a parcel within 14 days.",
         ("You have 14 days to return the parcel.", "Returning the parcel is fine within two weeks, that is 14 days."),
         ("You can return the parcel within 30 days, just print the label.", "You have 30 days to return your parcel.")),
    Fact(_N, "The battery of the scale lasts about 12 months.",
         ("The battery of the scale should last 12 months.", "A battery lasts about 12 months in your scale."),
         ("The battery of your scale lasts 6 months with the new firmware.", "The scale's battery now lasts 6 months.")),
    Fact(_N, "An invitation link is valid for 7 days.",
         ("The invitation link stays valid for 7 days.", "Your invitation link is valid for 7 days, so please use it soon."),
         ("The invitation link is only valid for 48 hours.", "Invitation links are valid for 48 hours these days.")),
    Fact(_N, "Exports are kept for 30 days and deleted after that.",
         ("We keep exports for 30 days.", "Your exports are deleted after 30 days."),
         ("We keep exports for 10 days.", "Your exports are deleted after 10 days.")),
    Fact(_N, "A team can have up to 25 members on the Basic plan.",
         ("On the Basic plan a team can have 25 members.", "Up to 25 members fit in a team on the Basic plan."),
         ("On the Basic plan a team can have 40 members.", "Up to 40 members can be in a team on the Basic plan.")),
    Fact(_N, "Attachments can be up to 20 MB in size.",
         ("An attachment can be up to 20 MB in size.", "Attachments of up to 20 MB in size work."),
         ("An attachment can be up to 50 MB in size now.", "Attachments in size up to 50 MB work since the update.")),
    Fact(_N, "Delivery to Austria takes three to five working days.",
         ("Delivery to Austria takes three to five working days.", "It takes three to five working days to deliver to Austria."),
         ("Delivery to Austria takes ten working days at the moment.", "It takes ten working days to deliver to Austria.")),
    Fact(_N, "The warranty of the grinder is two years.",
         ("The grinder has a warranty of two years.", "The grinder's warranty is two years from the invoice."),
         ("The grinder has a warranty of three years.", "The grinder's warranty is three years.")),
    Fact(_N, "Wait 10 minutes before you switch the router on again.",
         ("Please wait 10 minutes and switch the router on again.", "Switch the router on again after you wait 10 minutes."),
         ("Please wait 30 seconds, then switch the router on again.", "Switch the router on again after you wait 30 seconds.")),
    Fact(_N, "We refund your money within 5 working days after the parcel has arrived.",
         ("The money is refunded within 5 working days after the parcel arrived.", "We refund the money 5 working days after your parcel has arrived."),
         ("The money is refunded within 14 working days after the parcel arrived.", "We refund the money 14 working days after your parcel has arrived.")),
    Fact(_N, "Students get a discount of 20 % on the annual plan.",
         ("The discount for students on the annual plan is 20 %.", "As a student you get 20% discount on the annual plan."),
         ("The discount for students on the annual plan is 15 %.", "As a student you get 15% discount on the annual plan.")),
    Fact(_P, "The Pro plan costs €29 a month.",
         ("The Pro plan is €29 a month.", "You pay €29 a month, that is what the Pro plan costs."),
         ("The Pro plan costs €35 a month.", "The price of the Pro plan is €35 a month, it costs the same for everybody.")),
    Fact(_P, "Shipping within Germany costs 4.90 EUR.",
         ("Shipping costs 4.90 EUR within Germany.", "For shipping within Germany it costs 4.90 EUR."),
         ("Shipping costs 5.90 EUR within Germany.", "For shipping within Germany we charge 5.90 EUR, that is what it costs.")),
    Fact(_P, "Orders above $50 are delivered free of charge.",
         ("Your order is above $50, so it is delivered free of charge.", "We deliver orders above $50 free of charge."),
         ("Orders above $80 are delivered free of charge.", "We deliver free of charge orders above $80.")),
    Fact(_P, "An additional mailbox costs 3 € per month.",
         ("Each additional mailbox costs 3 € per month.", "An additional mailbox is 3 € per month."),
         ("Each additional mailbox costs 4 € per month.", "An additional mailbox is 4 € per month now.")),
    Fact(_P, "The late payment fee is £12.",
         ("Our late payment fee is £12.", "There is a late payment fee of £12."),
         ("Our late payment fee is £15.", "There is a late payment fee of £15.")),
    Fact(_D, "Our support is open on weekdays from 9:00 to 17:00.",
         ("Support is open from 9:00 to 17:00 on weekdays.", "On weekdays our support is open from 9:00 to 17:00."),
         ("Support is open from 8:00 to 20:00 on weekdays.", "On weekdays our support is open from 8:00 to 20:00.")),
    Fact(_D, "The annual report is due on 31 March.",
         ("The annual report is due on 31 March.", "On 31 March the annual report is due."),
         ("The annual report is due on 30 June.", "On 30 June the annual report is due.")),
    Fact(_D, "The old app stops working on 1 May 2026.",
         ("The old app stops working on 1 May 2026.", "On 1 May 2026 the old app will stop working."),
         ("The old app stops working on 1 August 2026.", "On 1 August 2026 the old app will stop working.")),
    Fact(_D, "Invoices are sent on the first of each month.",
         ("We send invoices on the first of each month.", "On the first of each month invoices are sent."),
         ("We send invoices on the 15th of each month.", "On the 15th of each month invoices are sent.")),
    Fact(_D, "The warehouse is closed on Mondays.",
         ("Our warehouse is closed on Mondays.", "On Mondays the warehouse is closed."),
         ("Our warehouse is closed on Wednesdays.", "On Wednesdays the warehouse is closed.")),
    Fact(_X, "Gift cards can be combined with a voucher.",
         ("Gift cards can be combined with your voucher.", "A gift card can be combined with a voucher."),
         ("Gift cards cannot be combined with a voucher.", "Unfortunately a gift card can't be combined with a voucher.")),
    Fact(_X, "Domains can be moved to another account.",
         ("Your domains can be moved to another account.", "A domain can be moved to another account."),
         ("Your domains cannot be moved to another account.", "A domain can not be moved to another account.")),
    Fact(_X, "Personalised items cannot be returned.",
         ("Personalised items can't be returned, I am sorry.", "Sorry, a personalised item cannot be returned."),
         ("Personalised items can be returned like any others.", "A personalised item can be returned.")),
    Fact(_X, "The API is not available on the Starter plan.",
         ("The API isn't available on the Starter plan.", "On the Starter plan the API is not available."),
         ("The API is available on the Starter plan.", "On the Starter plan the API is available since summer.")),
    Fact(_X, "You need a tax number to open a business account.",
         ("You need a tax number to open the business account.", "To open a business account you need a tax number."),
         ("You don't need a tax number to open a business account.", "To open a business account you do not need a tax number.")),
    Fact(_X, "The device works without an internet connection.",
         ("Your device works without an internet connection.", "Without an internet connection the device works, too."),
         ("The device does not work without an internet connection.", "Without an internet connection the device doesn't work.")),
    Fact(_X, "We ship to the Channel Islands.",
         ("We ship to the Channel Islands.", "We do ship to the Channel Islands."),
         ("We do not ship to the Channel Islands.", "We don't ship to the Channel Islands any more.")),
)  # fmt: skip
"""Of 28: 11 numbers, 5 prices, 5 dates and times, 7 negations."""

INNOCENT = (
    ("You can return a parcel within 14 days.", "Your parcel was returned after 3 days and we paid it back."),
    ("You can return a parcel within 14 days.", "Your parcel will be with you within 2 days."),
    ("The Pro plan costs €29 a month.", "The Team plan costs €59 a month."),
    ("The Pro plan costs €29 a month.", "You paid €58 for two months of the Pro plan."),
    ("A team can have up to 25 members on the Basic plan.", "Your team has 12 members on the Basic plan."),
    ("A team can have up to 25 members on the Basic plan.", "A team can have up to 100 members on the Pro plan."),
    ("Attachments can be up to 20 MB in size.", "Your attachment was 31 MB in size."),
    ("The battery of the scale lasts about 12 months.", "The battery of the remote lasts about 3 months."),
    ("Exports are kept for 30 days and deleted after that.", "Backups are kept for 90 days and deleted after that."),
    ("Delivery to Austria takes three to five working days.", "Delivery to Norway takes ten working days."),
    ("The warranty of the grinder is two years.", "The warranty of the kettle is three years."),
    ("Shipping within Germany costs 4.90 EUR.", "Shipping within Europe costs 9.90 EUR."),
    ("Orders above $50 are delivered free of charge.", "Your order of $80 was delivered free of charge."),
    ("Our support is open on weekdays from 9:00 to 17:00.", "Our support is open on Saturdays from 10:00 to 14:00."),
    ("The annual report is due on 31 March.", "The quarterly report is due on 30 June."),
    ("Gift cards can be combined with a voucher.", "Gift cards cannot be combined with another discount."),
    ("Domains can be moved to another account.", "Your domain could not be moved to another account because of a typing mistake."),
    ("Personalised items cannot be returned.", "Your items can be returned."),
    ("The API is not available on the Starter plan.", "The API is available on the Pro plan."),
    ("The device works without an internet connection.", "The device does not work without a battery."),
    ("We ship to the Channel Islands.", "We do not ship to Russia."),
    ("You need a tax number to open a business account.", "You do not need a tax number to open a private account."),
    ("An invitation link is valid for 7 days.", "Your invitation link was valid for 2 days when you opened it."),
    ("We refund your money within 5 working days after the parcel has arrived.", "We refunded the money 2 working days after your parcel had arrived."),
)  # fmt: skip
"""What an article says, and an answer about something else or about one customer's case: no contradiction."""
